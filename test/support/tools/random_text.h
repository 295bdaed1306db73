// Texts for tokenisers, the same for the same seed everywhere.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace medinfer::tools {

// What stands beside each other in real text, and what never should: words and contractions, blanks and line ends of
// all kinds, digits of several scripts, punctuation, CJK, combining marks, emoji, control characters, code points that
// mean nothing, bytes that are no UTF-8, and the texts of special tokens.
class RandomText {
 public:
  // `specials`: texts of tokens of the vocabulary that are worth meeting.
  RandomText(std::uint32_t seed, std::vector<std::string> specials) : random_(seed), specials_(std::move(specials)) {}

  // Of at most `max_pieces` words, runs and the like.
  std::string Next(std::uint32_t max_pieces) {
    std::string text;
    const std::uint32_t pieces = 1 + Below(max_pieces);
    for (std::uint32_t i = 0; i < pieces; ++i) AddPiece(text);
    return text;
  }

  static void AppendUtf8(std::string& text, char32_t c) {
    const auto byte = [&](char32_t value) { text += static_cast<char>(static_cast<unsigned char>(value)); };
    if (c < 0x80) {
      byte(c);
    } else if (c < 0x800) {
      byte(0xC0 | (c >> 6U));
      byte(0x80 | (c & 0x3FU));
    } else if (c < 0x10000) {
      byte(0xE0 | (c >> 12U));
      byte(0x80 | ((c >> 6U) & 0x3FU));
      byte(0x80 | (c & 0x3FU));
    } else {
      byte(0xF0 | (c >> 18U));
      byte(0x80 | ((c >> 12U) & 0x3FU));
      byte(0x80 | ((c >> 6U) & 0x3FU));
      byte(0x80 | (c & 0x3FU));
    }
  }

 private:
  // Not std::uniform_int_distribution, which differs between standard libraries.
  std::uint32_t Below(std::uint32_t n) { return static_cast<std::uint32_t>(random_() % n); }

  template <typename List>
  const auto& Pick(const List& list) {
    return list[Below(static_cast<std::uint32_t>(std::size(list)))];
  }

  void AddRun(std::string& text, char32_t first, char32_t last, std::uint32_t longest) {
    const std::uint32_t n = 1 + Below(longest);
    for (std::uint32_t i = 0; i < n; ++i) AppendUtf8(text, first + Below(last - first + 1));
  }

  void AddPiece(std::string& text) {
    static const char* const kWords[] = {
        "the",       "Patient", "mg",    "takes", "ASPIRIN", "mellitus", "É",     "Fieber", "naïve", "ǅungla", "McGill",
        "ibuProfen", "straße",  "Ωmega", "x",     "I",       "don",      "they",  "it",     "we",    "привет", "ПРИВЕТ",
        "ﬁ",         "ªº",      "عربى",  "שלום",  "ไทยไทย",  "한국어",   "हिन्दी", "বাংলা",  "A",     "zZ"};
    static const char* const kContractions[] = {"'s",  "'S", "'t", "'RE", "'re", "'ve", "'m", "'M", "'ll",
                                                "'lL", "'d", "'D", "’s",  "'x",  "''",  "'",  "'r", "'l"};
    static const char* const kBlanks[] = {
        " ",    " ",  " ",  "  ",     "    ",   "\t",     "\n",     "\n\n",   "\r",     "\r\n",   " \n",    "\n ",
        "\t\t", "\v", "\f", "\u0085", "\u00A0", "\u2003", "\u2028", "\u3000", "\u200B", "\uFEFF", "\u1680", "\u2581"};
    static const char* const kMarks[] = {".", ",", "!", "?", "...", "-",  "--", "/", "//", ":", ";",  "(",  ")",  "[",
                                         "]", "{", "}", "<", ">",   "=",  "==", "+", "*",  "&", "%",  "$",  "#",  "@",
                                         "^", "_", "`", "~", "|",   "\\", "\"", "“", "”",  "…", "。", "，", "、", "！",
                                         "€", "±", "→", "°", "µ",   "×",  "۔",  "،", "।",  "‘", "’",  "—"};
    static const char* const kSigns[] = {"IMGIMGABCZ", "<sentinel:12>", "<dna>acgtnacg</dna>", "[MASK]", "<|x|>",
                                         "<s>",        "<unk>",         "<|endoftext|>"};
    static const char* const kBroken[] = {"\x80", "\xC3",         "\xC0\xAF", "\xE2\x82",     "\xED\xA0\x80",
                                          "\xF8", "\xF0\x9F\x98", "\xFF\xFE", "\xE0\x80\x80", "\xBF\xBF"};
    switch (Below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
        text += Pick(kWords);
        break;
      case 4:
      case 5:
        text += Pick(kWords);
        text += Pick(kContractions);
        break;
      case 6:
      case 7:
      case 8:
      case 9:
        text += Pick(kBlanks);
        break;
      case 10:
        for (std::uint32_t n = 1 + Below(12); n > 0; --n) text += Pick(kBlanks);
        break;
      case 11:
        AddRun(text, U'0', U'9', 10);
        break;
      case 12:
        AddRun(text, U'٠', U'٩', 5);
        AddRun(text, U'Ⅰ', U'ⅿ', 2);
        break;
      case 13:
      case 14:
        text += Pick(kMarks);
        break;
      case 15:
        for (std::uint32_t n = 1 + Below(6); n > 0; --n) text += Pick(kMarks);
        break;
      case 16:
        AddRun(text, U'一', U'龥', 6);
        break;
      case 17:
        AddRun(text, U'ぁ', U'ヿ', 4);
        AddRun(text, U'가', U'힣', 4);
        break;
      case 18:
        text += Pick(kWords);
        AddRun(text, 0x0300, 0x036F, 3);
        break;
      case 19:
        AddRun(text, 0x1F300, 0x1F6FF, 2);
        text += "\u200D";
        AddRun(text, 0xFE00, 0xFE0F, 1);
        break;
      case 20:
        AddRun(text, 0, 0x1F, 2);
        AddRun(text, 0x7F, 0x9F, 2);
        break;
      case 21:
        text += Pick(kBroken);
        break;
      case 22:
        text += specials_.empty() || Below(3) == 0 ? std::string(Pick(kSigns)) : Pick(specials_);
        break;
      default: {
        const char32_t any = Below(2) == 0 ? Below(0x3000) : Below(0x110000);
        if (any < 0xD800 || any > 0xDFFF) AppendUtf8(text, any);
        break;
      }
    }
  }

  std::mt19937 random_;
  std::vector<std::string> specials_;
};

}  // namespace medinfer::tools
