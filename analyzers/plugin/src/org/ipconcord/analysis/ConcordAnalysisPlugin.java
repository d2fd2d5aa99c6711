package org.ipconcord.analysis;

import static org.ipconcord.analysis.Factories.analyzer;
import static org.ipconcord.analysis.Factories.chars;
import static org.ipconcord.analysis.Factories.coding;
import static org.ipconcord.analysis.Factories.filter;
import static org.ipconcord.analysis.Factories.normalizing;
import static org.ipconcord.analysis.Factories.normalizingChars;
import static org.ipconcord.analysis.Factories.tokenizer;

import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.cn.smart.HMMChineseTokenizer;
import org.apache.lucene.analysis.cn.smart.SmartChineseAnalyzer;
import org.apache.lucene.analysis.icu.ICUFoldingFilter;
import org.apache.lucene.analysis.icu.ICUNormalizer2CharFilter;
import org.apache.lucene.analysis.icu.ICUNormalizer2Filter;
import org.apache.lucene.analysis.icu.ICUTransformFilter;
import org.apache.lucene.analysis.icu.segmentation.ICUTokenizer;
import org.apache.lucene.analysis.ja.JapaneseAnalyzer;
import org.apache.lucene.analysis.ja.JapaneseBaseFormFilter;
import org.apache.lucene.analysis.ja.JapaneseCompletionFilter;
import org.apache.lucene.analysis.ja.JapaneseIterationMarkCharFilter;
import org.apache.lucene.analysis.ja.JapaneseKatakanaStemFilter;
import org.apache.lucene.analysis.ja.JapaneseNumberFilter;
import org.apache.lucene.analysis.ja.JapanesePartOfSpeechStopFilter;
import org.apache.lucene.analysis.ja.JapaneseReadingFormFilter;
import org.apache.lucene.analysis.ko.KoreanAnalyzer;
import org.apache.lucene.analysis.ko.KoreanNumberFilter;
import org.apache.lucene.analysis.ko.KoreanPartOfSpeechStopFilter;
import org.apache.lucene.analysis.ko.KoreanReadingFormFilter;
import org.apache.lucene.analysis.pl.PolishAnalyzer;
import org.apache.lucene.analysis.stempel.StempelFilter;
import org.apache.lucene.analysis.stempel.StempelStemmer;
import org.opensearch.index.analysis.AnalyzerProvider;
import org.opensearch.index.analysis.CharFilterFactory;
import org.opensearch.index.analysis.TokenFilterFactory;
import org.opensearch.index.analysis.TokenizerFactory;
import org.opensearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.opensearch.plugins.AnalysisPlugin;
import org.opensearch.plugins.Plugin;

/**
 * Lucene's ICU, kuromoji, nori, smartcn, phonetic and stempel modules under the names of the official OpenSearch plugins
 * (analysis-icu, analysis-kuromoji, analysis-nori, analysis-smartcn, analysis-phonetic, analysis-stempel), so that one set
 * of index settings serves the embedded node and a cluster that has those plugins.
 *
 * <p>Left out, since nothing here uses it: the {@code icu_collation} filter and {@code icu_collation_keyword} field, the
 * tokenizers' {@code rule_files}, and the phonetic encoders {@code koelnerphonetik} and {@code haasephonetik}
 * ({@code cologne} does the same work). Asking for one of them is an error, never a silent difference.
 */
public final class ConcordAnalysisPlugin extends Plugin implements AnalysisPlugin {

    @Override
    public Map<String, AnalysisProvider<CharFilterFactory>> getCharFilters() {
        return Map.of(
            "icu_normalizer", normalizingChars((env, settings) -> {
                var normalizer = Options.icuNormalizer(settings);
                return reader -> new ICUNormalizer2CharFilter(reader, normalizer);
            }),
            "kuromoji_iteration_mark", chars((env, settings) -> {
                boolean kanji = settings.getAsBoolean("normalize_kanji", JapaneseIterationMarkCharFilter.NORMALIZE_KANJI_DEFAULT);
                boolean kana = settings.getAsBoolean("normalize_kana", JapaneseIterationMarkCharFilter.NORMALIZE_KANA_DEFAULT);
                return reader -> new JapaneseIterationMarkCharFilter(reader, kanji, kana);
            })
        );
    }

    @Override
    public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
        return Map.of(
            "icu_tokenizer", tokenizer((env, settings) -> {
                var config = Options.icuSegmentation(settings);
                return () -> new ICUTokenizer(config);
            }),
            "kuromoji_tokenizer", tokenizer(Options::japaneseTokenizer),
            "nori_tokenizer", tokenizer(Options::koreanTokenizer),
            "smartcn_tokenizer", tokenizer((env, settings) -> HMMChineseTokenizer::new)
        );
    }

    @Override
    public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
        return Map.ofEntries(
            Map.entry("icu_normalizer", normalizing((env, settings) -> {
                var normalizer = Options.icuNormalizer(settings);
                return input -> new ICUNormalizer2Filter(input, normalizer);
            })),
            Map.entry("icu_folding", normalizing((env, settings) -> {
                var folding = Options.limitedTo(settings, ICUFoldingFilter.NORMALIZER);
                return input -> new ICUFoldingFilter(input, folding);
            })),
            Map.entry("icu_transform", normalizing((env, settings) -> {
                var transform = Options.icuTransform(settings);
                return input -> new ICUTransformFilter(input, transform);
            })),
            Map.entry("kuromoji_baseform", filter((env, settings) -> JapaneseBaseFormFilter::new)),
            Map.entry("kuromoji_part_of_speech", filter((env, settings) -> {
                var tags = Options.japaneseStopTags(env, settings);
                return input -> new JapanesePartOfSpeechStopFilter(input, tags);
            })),
            Map.entry("kuromoji_readingform", filter((env, settings) -> {
                boolean romaji = settings.getAsBoolean("use_romaji", false);
                return input -> new JapaneseReadingFormFilter(input, romaji);
            })),
            Map.entry("kuromoji_stemmer", filter((env, settings) -> {
                int shortest = settings.getAsInt("minimum_length", JapaneseKatakanaStemFilter.DEFAULT_MINIMUM_LENGTH);
                return input -> new JapaneseKatakanaStemFilter(input, shortest);
            })),
            Map.entry("kuromoji_number", filter((env, settings) -> JapaneseNumberFilter::new)),
            Map.entry("kuromoji_completion", filter((env, settings) -> {
                var mode = Options.japaneseCompletion(settings);
                return input -> new JapaneseCompletionFilter(input, mode);
            })),
            Map.entry("ja_stop", filter((env, settings) ->
                Options.stopFilter(env, settings, "_japanese_", JapaneseAnalyzer.getDefaultStopSet()))),
            Map.entry("nori_part_of_speech", filter((env, settings) -> {
                var tags = Options.koreanStopTags(env, settings);
                return input -> new KoreanPartOfSpeechStopFilter(input, tags);
            })),
            Map.entry("nori_readingform", filter((env, settings) -> KoreanReadingFormFilter::new)),
            Map.entry("nori_number", filter((env, settings) -> KoreanNumberFilter::new)),
            Map.entry("smartcn_stop", filter((env, settings) ->
                Options.stopFilter(env, settings, "_smartcn_", SmartChineseAnalyzer.getDefaultStopSet()))),
            Map.entry("phonetic", coding((env, settings) -> Phonetic.filter(settings))),
            Map.entry("polish_stem", filter((env, settings) ->
                input -> new StempelFilter(input, new StempelStemmer(PolishAnalyzer.getDefaultTable())))),
            Map.entry("polish_stop", filter((env, settings) ->
                Options.stopFilter(env, settings, "_polish_", PolishAnalyzer.getDefaultStopSet())))
        );
    }

    @Override
    public Map<String, AnalysisProvider<AnalyzerProvider<? extends Analyzer>>> getAnalyzers() {
        return Map.of(
            "icu_analyzer", analyzer((env, settings) -> {
                var normalizer = Options.icuNormalizer(settings);
                return new Analyzer() {
                    @Override
                    protected TokenStreamComponents createComponents(String field) {
                        var source = new ICUTokenizer();
                        return new TokenStreamComponents(source, new ICUFoldingFilter(new LowerCaseFilter(source)));
                    }

                    @Override
                    protected java.io.Reader initReader(String field, java.io.Reader reader) {
                        return new ICUNormalizer2CharFilter(reader, normalizer);
                    }
                };
            }),
            "kuromoji", analyzer((env, settings) -> new JapaneseAnalyzer(
                Options.japaneseDictionary(env, settings),
                Options.japaneseMode(settings),
                Options.stopWords(env, settings, "_japanese_", JapaneseAnalyzer.getDefaultStopSet()),
                Options.japaneseStopTags(env, settings))),
            "nori", analyzer((env, settings) -> new KoreanAnalyzer(
                Options.koreanDictionary(env, settings),
                Options.koreanMode(settings),
                Options.koreanStopTags(env, settings),
                false)),
            "smartcn", analyzer((env, settings) -> new SmartChineseAnalyzer(
                Options.stopWords(env, settings, "_smartcn_", SmartChineseAnalyzer.getDefaultStopSet()))),
            "polish", analyzer((env, settings) -> new PolishAnalyzer(
                Options.stopWords(env, settings, "_polish_", PolishAnalyzer.getDefaultStopSet())))
        );
    }
}
