package org.ipconcord.analysis;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.commons.codec.Encoder;
import org.apache.commons.codec.language.Caverphone1;
import org.apache.commons.codec.language.Caverphone2;
import org.apache.commons.codec.language.ColognePhonetic;
import org.apache.commons.codec.language.Metaphone;
import org.apache.commons.codec.language.Nysiis;
import org.apache.commons.codec.language.RefinedSoundex;
import org.apache.commons.codec.language.Soundex;
import org.apache.commons.codec.language.bm.Languages.LanguageSet;
import org.apache.commons.codec.language.bm.NameType;
import org.apache.commons.codec.language.bm.PhoneticEngine;
import org.apache.commons.codec.language.bm.RuleType;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.phonetic.BeiderMorseFilter;
import org.apache.lucene.analysis.phonetic.DaitchMokotoffSoundexFilter;
import org.apache.lucene.analysis.phonetic.DoubleMetaphoneFilter;
import org.apache.lucene.analysis.phonetic.PhoneticFilter;
import org.opensearch.common.settings.Settings;

/** The {@code phonetic} filter: {@code encoder}, {@code replace} and the options of the encoders that have some. */
final class Phonetic {

    private Phonetic() {}

    static UnaryOperator<TokenStream> filter(Settings settings) {
        boolean inject = !settings.getAsBoolean("replace", true);
        String encoder = settings.get("encoder", "metaphone").toLowerCase(Locale.ROOT).replace("_", "");
        return switch (encoder) {
            case "metaphone" -> coded(Metaphone::new, inject);
            case "soundex" -> coded(Soundex::new, inject);
            case "refinedsoundex" -> coded(RefinedSoundex::new, inject);
            case "caverphone1" -> coded(Caverphone1::new, inject);
            case "caverphone", "caverphone2" -> coded(Caverphone2::new, inject);
            case "cologne" -> coded(ColognePhonetic::new, inject);
            case "nysiis" -> coded(Nysiis::new, inject);
            case "doublemetaphone" -> {
                int longest = settings.getAsInt("max_code_len", 4);
                yield input -> new DoubleMetaphoneFilter(input, longest, inject);
            }
            case "daitchmokotoff" -> input -> new DaitchMokotoffSoundexFilter(input, inject);
            case "bm", "beidermorse" -> beiderMorse(settings);
            default -> throw new IllegalArgumentException(
                "unknown encoder [" + settings.get("encoder") + "] for phonetic token filter");
        };
    }

    // An encoder keeps state while it works (Metaphone's maximum, caches), so each stream gets its own.
    private static UnaryOperator<TokenStream> coded(Supplier<Encoder> encoder, boolean inject) {
        return input -> new PhoneticFilter(input, encoder.get(), inject);
    }

    private static UnaryOperator<TokenStream> beiderMorse(Settings settings) {
        var names = NameType.valueOf(settings.get("name_type", "generic").toUpperCase(Locale.ROOT));
        var rules = RuleType.valueOf(settings.get("rule_type", "approx").toUpperCase(Locale.ROOT));
        List<String> languages = settings.getAsList("languageset");
        var set = languages.isEmpty() ? null : LanguageSet.from(new HashSet<>(languages));
        var engine = new PhoneticEngine(names, rules, true);
        return input -> new BeiderMorseFilter(input, engine, set);
    }
}
