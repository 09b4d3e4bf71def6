// The words of a file by the rules of Unicode Standard Annex #29, one a line, as ICU cuts them:
// as a program would that someone writes who needs them.

#include <unicode/brkiter.h>
#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    std::ifstream file(argv[1], std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)), {});

    UErrorCode error = U_ZERO_ERROR;
    std::unique_ptr<icu::BreakIterator> words(
        icu::BreakIterator::createWordInstance(icu::Locale::getRoot(), error));
    UText *utf8 = utext_openUTF8(nullptr, text.data(), (int64_t)text.size(), &error);
    if (U_SUCCESS(error)) words->setText(utf8, error);
    if (U_FAILURE(error)) {
        std::cerr << u_errorName(error) << '\n';
        return 1;
    }
    int32_t start = words->first();
    for (int32_t end = words->next(); end != icu::BreakIterator::DONE; end = words->next()) {
        // What is neither letters nor digits has this status.
        if (words->getRuleStatus() >= UBRK_WORD_NONE_LIMIT) {
            fwrite(text.data() + start, 1, (size_t)(end - start), stdout);
            putchar('\n');
        }
        start = end;
    }
    utext_close(utf8);
    return fflush(stdout) == 0 ? 0 : 1;
}
