// Vocabularies for random models: one of our own, or that of a vocabulary file of llama.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "gguf.h"
#include "gguf_file.h"
#include "llama.h"

namespace medinfer::tools {

struct Vocabulary {
  std::vector<std::int32_t> types;  // llama_token_type of each token
  // Words of our own vocabulary: of its normal tokens only these are generated, and no text is the text of two token
  // sequences, so that equal texts mean equal tokens. Empty for a vocabulary from a file.
  std::vector<bool> is_word;
  std::int32_t eos = 2;

  std::int64_t size() const { return static_cast<std::int64_t>(types.size()); }

  // What a random model may answer with. Control and byte tokens are left out, or random text would be broken UTF-8.
  bool Generated(std::int64_t token) const {
    const auto i = static_cast<std::size_t>(token);
    if (token == eos) return true;
    return types[i] == LLAMA_TOKEN_TYPE_NORMAL && (is_word.empty() || is_word[i]);
  }
};

// "words:N": a SentencePiece vocabulary of N words, "▁bat" and the like. The pieces that a merge passes through ("▁b",
// "▁ba") and single letters are there as well, so that any ASCII prompt can be read.
// `controls`: texts of further control tokens.
inline Vocabulary AddWords(GgufFile& file, std::size_t words, const std::vector<std::string>& controls = {}) {
  Vocabulary vocabulary;
  std::vector<std::string> pieces;
  const auto add = [&](const std::string& piece, llama_token_type type, bool is_word = false) {
    pieces.push_back(piece);
    vocabulary.types.push_back(type);
    vocabulary.is_word.push_back(is_word);
  };

  const std::string space = "\u2581";
  const std::string consonants = "bcdfghjklmnpqrstvwxz";
  const std::string vowels = "aeiou";
  add("<unk>", LLAMA_TOKEN_TYPE_UNKNOWN);
  add("<s>", LLAMA_TOKEN_TYPE_CONTROL);
  add("</s>", LLAMA_TOKEN_TYPE_CONTROL);
  for (int byte = 0; byte < 256; ++byte) {
    char piece[8];
    std::snprintf(piece, sizeof(piece), "<0x%02X>", static_cast<unsigned>(byte));
    add(piece, LLAMA_TOKEN_TYPE_BYTE);
  }
  // What libmtmd writes around an image for Gemma 3 and Qwen2-VL.
  for (const char* marker : {"<start_of_image>", "<end_of_image>", "<|vision_start|>", "<|vision_end|>"}) {
    add(marker, LLAMA_TOKEN_TYPE_CONTROL);
  }
  add(space, LLAMA_TOKEN_TYPE_NORMAL);
  for (char c = '!'; c <= '~'; ++c) add(std::string(1, c), LLAMA_TOKEN_TYPE_NORMAL);
  for (const char c : consonants) add(space + c, LLAMA_TOKEN_TYPE_NORMAL);
  for (const char c : consonants) {
    for (const char v : vowels) add(space + c + v, LLAMA_TOKEN_TYPE_NORMAL);
  }
  std::size_t count = 0;
  for (const char last : consonants) {
    for (const char first : consonants) {
      for (const char vowel : vowels) {
        if (count++ < words) add(space + first + vowel + last, LLAMA_TOKEN_TYPE_NORMAL, /*is_word=*/true);
      }
    }
  }
  if (count < words) throw std::runtime_error("at most 2000 words");
  for (const std::string& control : controls) add(control, LLAMA_TOKEN_TYPE_CONTROL);

  std::vector<const char*> texts;
  std::vector<float> scores;
  for (const std::string& piece : pieces) {
    scores.push_back(-static_cast<float>(texts.size()));
    texts.push_back(piece.c_str());
  }
  file.Set("tokenizer.ggml.model", "llama");
  gguf_set_arr_str(file.meta(), "tokenizer.ggml.tokens", texts.data(), texts.size());
  file.SetReals("tokenizer.ggml.scores", scores);
  file.SetInts("tokenizer.ggml.token_type", vocabulary.types);
  file.SetInt("tokenizer.ggml.unknown_token_id", 0);
  file.SetInt("tokenizer.ggml.bos_token_id", 1);
  file.SetInt("tokenizer.ggml.eos_token_id", 2);
  file.SetBool("tokenizer.ggml.add_bos_token", true);
  file.SetBool("tokenizer.ggml.add_eos_token", false);
  return vocabulary;
}

// Copies everything about the tokenizer from another GGUF file. REQUIRES: nothing else is set yet.
inline Vocabulary CopyVocabulary(GgufFile& file, const std::string& path) {
  const std::unique_ptr<gguf_context, void (*)(gguf_context*)> source(
      gguf_init_from_file(path.c_str(), {/*no_alloc=*/true, nullptr}), gguf_free);
  if (!source) throw std::runtime_error("no GGUF file at " + path);
  gguf_set_kv(file.meta(), source.get());
  for (std::int64_t i = gguf_get_n_kv(file.meta()) - 1; i >= 0; --i) {
    const std::string key = gguf_get_key(file.meta(), i);
    if (key.rfind("tokenizer.", 0) != 0) gguf_remove_key(file.meta(), key.c_str());
  }

  Vocabulary vocabulary;
  const std::int64_t types = gguf_find_key(source.get(), "tokenizer.ggml.token_type");
  if (types < 0) throw std::runtime_error(path + " has no token types");
  const auto* values = static_cast<const std::int32_t*>(gguf_get_arr_data(source.get(), types));
  vocabulary.types.assign(values, values + gguf_get_arr_n(source.get(), types));
  const std::int64_t eos = gguf_find_key(source.get(), "tokenizer.ggml.eos_token_id");
  if (eos >= 0) vocabulary.eos = static_cast<std::int32_t>(gguf_get_val_u32(source.get(), eos));
  return vocabulary;
}

}  // namespace medinfer::tools
