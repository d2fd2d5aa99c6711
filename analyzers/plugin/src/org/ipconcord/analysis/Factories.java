package org.ipconcord.analysis;

import java.io.IOException;
import java.io.Reader;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.index.IndexSettings;
import org.opensearch.index.analysis.AbstractCharFilterFactory;
import org.opensearch.index.analysis.AbstractIndexAnalyzerProvider;
import org.opensearch.index.analysis.AbstractTokenFilterFactory;
import org.opensearch.index.analysis.AbstractTokenizerFactory;
import org.opensearch.index.analysis.AnalyzerProvider;
import org.opensearch.index.analysis.CharFilterFactory;
import org.opensearch.index.analysis.NormalizingCharFilterFactory;
import org.opensearch.index.analysis.NormalizingTokenFilterFactory;
import org.opensearch.index.analysis.TokenFilterFactory;
import org.opensearch.index.analysis.TokenizerFactory;
import org.opensearch.indices.analysis.AnalysisModule.AnalysisProvider;

/**
 * Turns "settings in, Lucene component out" functions into the factories OpenSearch registers.
 *
 * <p>Settings are read once, when the index opens; the function that comes out is called for every stream.
 */
final class Factories {

    /** Reads an index's settings once and returns what makes the component. */
    @FunctionalInterface
    interface Setup<T> {
        T from(Environment environment, Settings settings) throws IOException;
    }

    private Factories() {}

    /** A token filter for analyzers only. */
    static AnalysisProvider<TokenFilterFactory> filter(Setup<UnaryOperator<TokenStream>> setup) {
        return (index, env, name, settings) -> new Filter(index, name, settings, setup.from(env, settings));
    }

    /** A token filter that works on single tokens alone, so that keyword normalizers may use it too. */
    static AnalysisProvider<TokenFilterFactory> normalizing(Setup<UnaryOperator<TokenStream>> setup) {
        return (index, env, name, settings) -> new NormalizingFilter(index, name, settings, setup.from(env, settings));
    }

    /** A token filter whose output is not words (phonetic codes), so that synonym rules cannot be parsed with it. */
    static AnalysisProvider<TokenFilterFactory> coding(Setup<UnaryOperator<TokenStream>> setup) {
        return (index, env, name, settings) -> new CodingFilter(index, name, settings, setup.from(env, settings));
    }

    static AnalysisProvider<CharFilterFactory> chars(Setup<UnaryOperator<Reader>> setup) {
        return (index, env, name, settings) -> new Chars(index, name, setup.from(env, settings));
    }

    static AnalysisProvider<CharFilterFactory> normalizingChars(Setup<UnaryOperator<Reader>> setup) {
        return (index, env, name, settings) -> new NormalizingChars(index, name, setup.from(env, settings));
    }

    static AnalysisProvider<TokenizerFactory> tokenizer(Setup<Supplier<Tokenizer>> setup) {
        return (index, env, name, settings) -> new Tokens(index, settings, name, setup.from(env, settings));
    }

    static AnalysisProvider<AnalyzerProvider<? extends Analyzer>> analyzer(Setup<Analyzer> setup) {
        return (index, env, name, settings) -> new Whole(index, name, settings, setup.from(env, settings));
    }

    private static class Filter extends AbstractTokenFilterFactory {
        private final UnaryOperator<TokenStream> wrap;

        Filter(IndexSettings index, String name, Settings settings, UnaryOperator<TokenStream> wrap) {
            super(index, name, settings);
            this.wrap = wrap;
        }

        @Override
        public TokenStream create(TokenStream input) {
            return wrap.apply(input);
        }
    }

    private static final class NormalizingFilter extends Filter implements NormalizingTokenFilterFactory {
        NormalizingFilter(IndexSettings index, String name, Settings settings, UnaryOperator<TokenStream> wrap) {
            super(index, name, settings, wrap);
        }
    }

    private static final class CodingFilter extends Filter {
        CodingFilter(IndexSettings index, String name, Settings settings, UnaryOperator<TokenStream> wrap) {
            super(index, name, settings, wrap);
        }

        @Override
        public TokenFilterFactory getSynonymFilter() {
            throw new IllegalArgumentException("Token filter [" + name() + "] cannot be used to parse synonyms");
        }
    }

    private static class Chars extends AbstractCharFilterFactory {
        private final UnaryOperator<Reader> wrap;

        Chars(IndexSettings index, String name, UnaryOperator<Reader> wrap) {
            super(index, name);
            this.wrap = wrap;
        }

        @Override
        public Reader create(Reader reader) {
            return wrap.apply(reader);
        }
    }

    private static final class NormalizingChars extends Chars implements NormalizingCharFilterFactory {
        NormalizingChars(IndexSettings index, String name, UnaryOperator<Reader> wrap) {
            super(index, name, wrap);
        }
    }

    private static final class Tokens extends AbstractTokenizerFactory {
        private final Supplier<Tokenizer> make;

        Tokens(IndexSettings index, Settings settings, String name, Supplier<Tokenizer> make) {
            super(index, settings, name);
            this.make = make;
        }

        @Override
        public Tokenizer create() {
            return make.get();
        }
    }

    private static final class Whole extends AbstractIndexAnalyzerProvider<Analyzer> {
        private final Analyzer analyzer;

        Whole(IndexSettings index, String name, Settings settings, Analyzer analyzer) {
            super(index, name, settings);
            this.analyzer = analyzer;
        }

        @Override
        public Analyzer get() {
            return analyzer;
        }
    }
}
