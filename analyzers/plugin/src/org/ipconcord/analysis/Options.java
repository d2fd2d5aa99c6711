package org.ipconcord.analysis;

import com.ibm.icu.text.FilteredNormalizer2;
import com.ibm.icu.text.Normalizer2;
import com.ibm.icu.text.Transliterator;
import com.ibm.icu.text.UnicodeSet;
import java.io.IOException;
import java.io.StringReader;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.StopFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.icu.segmentation.DefaultICUTokenizerConfig;
import org.apache.lucene.analysis.icu.segmentation.ICUTokenizerConfig;
import org.apache.lucene.analysis.ja.JapaneseAnalyzer;
import org.apache.lucene.analysis.ja.JapaneseCompletionFilter;
import org.apache.lucene.analysis.ja.JapaneseTokenizer;
import org.apache.lucene.analysis.ko.KoreanPartOfSpeechStopFilter;
import org.apache.lucene.analysis.ko.KoreanTokenizer;
import org.apache.lucene.analysis.ko.POS;
import org.apache.lucene.search.suggest.analyzing.SuggestStopFilter;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.analysis.Analysis;

/** Reads the settings that the official plugins document; a value they do not know is an error that names it. */
final class Options {

    private Options() {}

    static Normalizer2 icuNormalizer(Settings settings) {
        String form = settings.get("name", "nfkc_cf");
        Normalizer2.Mode mode = choose(Normalizer2.Mode.class, settings, "mode", Normalizer2.Mode.COMPOSE);
        return limitedTo(settings, Normalizer2.getInstance(null, form, mode));
    }

    /** Keeps characters outside {@code unicode_set_filter} as they are: {@code [^åäöÅÄÖ]} folds all but these. */
    static Normalizer2 limitedTo(Settings settings, Normalizer2 normalizer) {
        String pattern = settings.get("unicode_set_filter", settings.get("unicodeSetFilter"));
        return pattern == null ? normalizer : new FilteredNormalizer2(normalizer, new UnicodeSet(pattern).freeze());
    }

    static Transliterator icuTransform(Settings settings) {
        boolean forward = "forward".equals(settings.get("dir", "forward"));
        return Transliterator.getInstance(settings.get("id", "Null"), forward ? Transliterator.FORWARD : Transliterator.REVERSE);
    }

    static ICUTokenizerConfig icuSegmentation(Settings settings) {
        if (settings.hasValue("rule_files")) {
            throw new IllegalArgumentException("[icu_tokenizer] of ip-concord-analysis has no [rule_files]; use analysis-icu");
        }
        return new DefaultICUTokenizerConfig(true, settings.getAsBoolean("myanmar_as_words", true));
    }

    static Supplier<Tokenizer> japaneseTokenizer(Environment env, Settings settings) throws IOException {
        var dictionary = japaneseDictionary(env, settings);
        var mode = japaneseMode(settings);
        boolean dropPunctuation = settings.getAsBoolean("discard_punctuation", true);
        boolean dropCompound = settings.getAsBoolean("discard_compound_token", false);
        int cost = settings.getAsInt("nbest_cost", -1);
        String examples = settings.get("nbest_examples");
        return () -> {
            var tokenizer = new JapaneseTokenizer(dictionary, dropPunctuation, dropCompound, mode);
            tokenizer.setNBestCost(examples == null ? cost : Math.max(cost, tokenizer.calcNBestCost(examples)));
            return tokenizer;
        };
    }

    static JapaneseTokenizer.Mode japaneseMode(Settings settings) {
        return choose(JapaneseTokenizer.Mode.class, settings, "mode", JapaneseTokenizer.DEFAULT_MODE);
    }

    static JapaneseCompletionFilter.Mode japaneseCompletion(Settings settings) {
        return choose(JapaneseCompletionFilter.Mode.class, settings, "mode", JapaneseCompletionFilter.DEFAULT_MODE);
    }

    static org.apache.lucene.analysis.ja.dict.UserDictionary japaneseDictionary(Environment env, Settings settings)
        throws IOException {
        String rules = userRules(env, settings);
        return rules == null ? null : org.apache.lucene.analysis.ja.dict.UserDictionary.open(new StringReader(rules));
    }

    static Set<String> japaneseStopTags(Environment env, Settings settings) {
        List<String> tags = words(env, settings, "stoptags");
        return tags == null ? JapaneseAnalyzer.getDefaultStopTags() : new HashSet<>(tags);
    }

    static Supplier<Tokenizer> koreanTokenizer(Environment env, Settings settings) throws IOException {
        var dictionary = koreanDictionary(env, settings);
        var mode = koreanMode(settings);
        boolean dropPunctuation = settings.getAsBoolean("discard_punctuation", true);
        return () -> new KoreanTokenizer(
            KoreanTokenizer.DEFAULT_TOKEN_ATTRIBUTE_FACTORY, dictionary, mode, false, dropPunctuation);
    }

    static KoreanTokenizer.DecompoundMode koreanMode(Settings settings) {
        return choose(KoreanTokenizer.DecompoundMode.class, settings, "decompound_mode", KoreanTokenizer.DEFAULT_DECOMPOUND);
    }

    static org.apache.lucene.analysis.ko.dict.UserDictionary koreanDictionary(Environment env, Settings settings)
        throws IOException {
        String rules = userRules(env, settings);
        return rules == null ? null : org.apache.lucene.analysis.ko.dict.UserDictionary.open(new StringReader(rules));
    }

    static Set<POS.Tag> koreanStopTags(Environment env, Settings settings) {
        List<String> tags = words(env, settings, "stoptags");
        if (tags == null) {
            return KoreanPartOfSpeechStopFilter.DEFAULT_STOP_TAGS;
        }
        var resolved = EnumSet.noneOf(POS.Tag.class);
        tags.forEach(tag -> resolved.add(POS.resolveTag(tag)));
        return resolved;
    }

    static UnaryOperator<TokenStream> stopFilter(Environment env, Settings settings, String setName, CharArraySet preset) {
        CharArraySet words = stopWords(env, settings, setName, preset);
        return settings.getAsBoolean("remove_trailing", true)
            ? input -> new StopFilter(input, words)
            : input -> new SuggestStopFilter(input, words);
    }

    static CharArraySet stopWords(Environment env, Settings settings, String setName, CharArraySet preset) {
        boolean ignoreCase = settings.getAsBoolean("ignore_case", false);
        return Analysis.parseWords(env, settings, "stopwords", preset, Map.of(setName, preset), ignoreCase);
    }

    private static String userRules(Environment env, Settings settings) {
        if (settings.hasValue("user_dictionary") && settings.hasValue("user_dictionary_rules")) {
            throw new IllegalArgumentException("[user_dictionary] and [user_dictionary_rules] exclude each other");
        }
        List<String> rules = Analysis.parseWordList(env, settings, "user_dictionary", "user_dictionary_rules", rule -> rule);
        return rules == null || rules.isEmpty() ? null : String.join("\n", rules) + "\n";
    }

    private static List<String> words(Environment env, Settings settings, String key) {
        return Analysis.parseWordList(env, settings, key, word -> word);
    }

    private static <E extends Enum<E>> E choose(Class<E> type, Settings settings, String key, E preset) {
        String value = settings.get(key);
        return value == null ? preset : Enum.valueOf(type, value.toUpperCase(Locale.ROOT));
    }
}
