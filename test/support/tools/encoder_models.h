// Random models that read whole texts: BERT and its relatives, ModernBERT, EmbeddingGemma, and Qwen3 as it embeds.
#pragma once

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "command_line.h"
#include "gguf_file.h"
#include "vocabulary.h"

namespace medinfer::tools {

struct EncoderShape {
  std::int64_t embd = 64;
  std::int64_t layers = 3;
  std::int64_t heads = 4;
  std::int64_t ff = 128;
  std::int64_t ctx = 512;
  ggml_type type = GGML_TYPE_F32;

  std::int64_t head() const { return embd / heads; }
};

class EncoderWriter {
 public:
  EncoderWriter(GgufFile& file, std::string arch, const EncoderShape& shape)
      : file_(file), arch_(std::move(arch)), shape_(shape) {}

  static bool Knows(const std::string& arch) {
    return arch == "bert" || arch == "nomic-bert" || arch == "jina-bert-v2" || arch == "modern-bert" ||
           arch == "gemma-embedding" || arch == "qwen3";
  }

  // `window`: of sliding attention, where the architecture has it.
  void Write(std::int64_t n_vocab, std::int64_t window) {
    Metadata(window);
    Matrix("token_embd", shape_.embd, n_vocab, 0.5);
    if (is_bert()) {
      // These two are in F32 whatever the others are: they are added, not multiplied.
      file_.Random("token_types.weight", {shape_.embd, 2}, GGML_TYPE_F32, 0.5);
      if (arch_ == "bert") file_.Random("position_embd.weight", {shape_.embd, shape_.ctx}, GGML_TYPE_F32, 0.5);
      Norm("token_embd_norm", true);
    } else if (arch_ == "modern-bert") {
      Norm("token_embd_norm", false);
    }
    if (!is_bert()) Norm("output_norm", false);
    for (std::int64_t i = 0; i < shape_.layers; ++i) Layer("blk." + std::to_string(i) + ".", i);
  }

  // A classifier of so many outputs behind the pooled row.
  void Classifier(std::int64_t outputs) {
    const bool one_matrix = arch_ == "jina-bert-v2";
    if (one_matrix) {
      Matrix("cls", shape_.embd, 1, Spread(2));
      file_.Constant("cls.bias", {1}, 0.1F);
      return;
    }
    if (arch_ != "qwen3") Matrix("cls", shape_.embd, shape_.embd, Spread(1));
    if (arch_ == "bert") file_.Constant("cls.bias", {shape_.embd}, 0.1F);
    if (arch_ == "modern-bert") file_.Constant("cls.norm.weight", {shape_.embd}, 1.0F);
    Matrix("cls.output", shape_.embd, outputs, Spread(2));
    if (arch_ == "bert") file_.Constant("cls.output.bias", {outputs}, 0.1F);
  }

 private:
  bool is_bert() const { return arch_ == "bert" || arch_ == "nomic-bert" || arch_ == "jina-bert-v2"; }
  bool has_head_norms() const { return arch_ == "gemma-embedding" || arch_ == "qwen3"; }
  double Spread(double scale) const { return scale / std::sqrt(static_cast<double>(shape_.embd)); }

  void Matrix(const std::string& name, std::int64_t inputs, std::int64_t outputs, double deviation) {
    file_.Random(name + ".weight", {inputs, outputs}, shape_.type, deviation);
  }
  void Norm(const std::string& name, bool bias) {
    file_.Constant(name + ".weight", {shape_.embd}, 1.0F);
    if (bias) file_.Random(name + ".bias", {shape_.embd}, GGML_TYPE_F32, 0.1);
  }

  void Metadata(std::int64_t window) {
    const auto key = [this](const char* name) { return arch_ + "." + name; };
    file_.SetInt(key("context_length"), shape_.ctx);
    file_.SetInt(key("embedding_length"), shape_.embd);
    file_.SetInt(key("block_count"), shape_.layers);
    file_.SetInt(key("feed_forward_length"), shape_.ff);
    file_.SetInt(key("attention.head_count"), shape_.heads);
    if (has_head_norms()) {
      file_.SetReal(key("attention.layer_norm_rms_epsilon"), 1e-6);
      file_.SetInt(key("attention.head_count_kv"), arch_ == "qwen3" ? shape_.heads / 2 : shape_.heads);
      file_.SetInt(key("attention.key_length"), shape_.head());
      file_.SetInt(key("attention.value_length"), shape_.head());
    } else {
      file_.SetReal(key("attention.layer_norm_epsilon"), 1e-12);
    }
    if (arch_ != "qwen3") file_.SetBool(key("attention.causal"), false);
    if (arch_ != "bert" && arch_ != "jina-bert-v2") file_.SetReal(key("rope.freq_base"), 10000);
    if (window > 0) file_.SetInt(key("attention.sliding_window"), window);
    if (is_bert()) file_.SetInt("tokenizer.ggml.token_type_count", 2);
  }

  void Layer(const std::string& p, std::int64_t i) {
    const std::int64_t embd = shape_.embd;
    const std::int64_t kv = arch_ == "qwen3" ? embd / 2 : embd;
    const double peak = has_head_norms() ? 1 : 1.5;  // see random_gguf.cc
    if (arch_ == "modern-bert") {
      if (i > 0) Norm(p + "attn_norm", false);
      Matrix(p + "attn_qkv", embd, 3 * embd, Spread(1.5));
    } else {
      Matrix(p + "attn_q", embd, embd, Spread(peak));
      Matrix(p + "attn_k", embd, kv, Spread(peak));
      Matrix(p + "attn_v", embd, kv, Spread(1));
    }
    Matrix(p + "attn_output", embd, embd, Spread(1));
    if (arch_ == "bert" || arch_ == "jina-bert-v2") {
      for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_output"}) {
        file_.Random(p + name + ".bias", {embd}, GGML_TYPE_F32, 0.1);
      }
    }
    if (is_bert()) {
      Norm(p + "attn_output_norm", true);
      Norm(p + "layer_output_norm", true);
    } else {
      if (arch_ != "modern-bert") Norm(p + "attn_norm", false);
      Norm(p + "ffn_norm", false);
    }
    if (has_head_norms()) {
      file_.Constant(p + "attn_q_norm.weight", {shape_.head()}, 1.5F);
      file_.Constant(p + "attn_k_norm.weight", {shape_.head()}, 1.5F);
    }
    if (arch_ == "gemma-embedding") {
      file_.Constant(p + "post_attention_norm.weight", {embd}, 0.5F);
      file_.Constant(p + "post_ffw_norm.weight", {embd}, 0.5F);
    }
    Matrix(p + "ffn_up", embd, arch_ == "modern-bert" ? 2 * shape_.ff : shape_.ff, Spread(1));
    if (arch_ != "bert" && arch_ != "modern-bert") Matrix(p + "ffn_gate", embd, shape_.ff, Spread(1));
    Matrix(p + "ffn_down", shape_.ff, embd, 1 / std::sqrt(static_cast<double>(shape_.ff)));
    if (arch_ == "bert" || arch_ == "jina-bert-v2") {
      if (arch_ == "bert") file_.Random(p + "ffn_up.bias", {shape_.ff}, GGML_TYPE_F32, 0.1);
      file_.Random(p + "ffn_down.bias", {embd}, GGML_TYPE_F32, 0.1);
    }
  }

  GgufFile& file_;
  const std::string arch_;
  const EncoderShape shape_;
};

// --embd --layers --heads --ff --ctx --vocab --window; --pooling mean|cls|last|rank|none|unsaid; --labels N: outputs of
// a classifier, 0: none; --pair-template TEXT; --add-bos --add-eos --add-sep (0, 1, or -1: as the vocabulary has it).
inline void MakeEncoder(GgufFile& file, const std::string& arch, ggml_type type, int file_type, CommandLine& options) {
  EncoderShape shape;
  shape.embd = options.Int("embd", shape.embd);
  shape.layers = options.Int("layers", shape.layers);
  shape.heads = options.Int("heads", shape.heads);
  shape.ff = options.Int("ff", 2 * shape.embd);
  shape.ctx = options.Int("ctx", shape.ctx);
  shape.type = type;
  const std::int64_t labels = options.Int("labels", 0);
  const bool windowed = arch == "modern-bert" || arch == "gemma-embedding";
  const std::string vocab = options.Text("vocab", "words:1000");
  const Vocabulary vocabulary = vocab.rfind("words:", 0) == 0
                                    ? AddWords(file, static_cast<std::size_t>(std::stoull(vocab.substr(6))))
                                    : CopyVocabulary(file, vocab);
  for (const std::string word : {"bos", "eos", "sep"}) {
    const std::int64_t add = options.Int("add-" + word, word == "eos" ? 1 : -1);
    if (add >= 0) file.SetBool("tokenizer.ggml.add_" + word + "_token", add == 1);
  }
  if (vocab.rfind("words:", 0) == 0) file.SetInt("tokenizer.ggml.seperator_token_id", 2);
  file.Set("general.architecture", arch);
  file.Set("general.name", "random " + arch);
  file.SetInt("general.file_type", file_type);
  const std::string pooling = options.OneOf("pooling", {"mean", "cls", "last", "rank", "none", "unsaid"});
  // llama_pooling_type
  const std::vector<std::string> poolings = {"none", "mean", "cls", "last", "rank"};
  for (std::size_t i = 0; i < poolings.size(); ++i) {
    if (poolings[i] == pooling) file.SetInt(arch + ".pooling_type", static_cast<std::int64_t>(i));
  }
  const std::string pair_template = options.Text("pair-template", "");
  if (!pair_template.empty()) file.Set("tokenizer.chat_template.rerank", pair_template);
  EncoderWriter writer(file, arch, shape);
  writer.Write(vocabulary.size(), options.Int("window", windowed ? 16 : 0));
  if (labels == 0) return;
  writer.Classifier(labels);
  if (labels == 1) return;
  std::vector<std::string> names = {"yes", "no"};
  while (static_cast<std::int64_t>(names.size()) < labels) names.push_back("label " + std::to_string(names.size()));
  std::vector<const char*> texts;
  for (const std::string& name : names) texts.push_back(name.c_str());
  gguf_set_arr_str(file.meta(), (arch + ".classifier.output_labels").c_str(), texts.data(), texts.size());
}

}  // namespace medinfer::tools
