// Random-weight GGUF files of any shape, so that size, speed and correctness can be tested with no download.
//
//   random_gguf KIND OUT [--seed N] [--type f32|f16|q8_0|q4_k|q4_k_m] [--repeat 1] [shape]
//
// KIND: llama, qwen2vl, gemma3 (text models); glm4moe, hy_v3, deepseek2 (with a prediction head behind their
// dense layers); llava-mmproj, qwen2vl-mmproj, gemma3-mmproj (their projectors),
// internvl-mmproj (for a llama model; libmtmd can encode several of its images in one pass); bert, nomic-bert,
// jina-bert-v2, modern-bert, gemma-embedding and qwen3, which embed or rerank (encoder_models.h has their options).
// Shape of a text model: --embd --layers --heads --kv-heads --ff --ctx --vocab words:N|FILE --logit-scale --window
// --add-eos 1 (the vocabulary puts EOS behind a text) --controls TEXT,TEXT… (further control tokens of words:N),
// --next 0 (without the prediction head);
// of a projector: --embd --layers --heads --ff --image --patch --merge --out (the text model's --embd).
//
// With --repeat 1, rows repeat: gigabytes in seconds, for measuring speed alone.
//
// Weights are scaled so that a model behaves like a trained one where it matters to a test: attention has peaks, so
// that every token of the prompt shapes the answer, and logits spread (--logit-scale is their standard deviation), so
// that the best token is seldom a tie.
#include <cmath>
#include <cstdio>
#include <exception>
#include <sstream>
#include <string>
#include <vector>

#include "command_line.h"
#include "encoder_models.h"
#include "gguf_file.h"
#include "vocabulary.h"

namespace medinfer::tools {
namespace {

struct WeightType {
  ggml_type base;
  bool mixed;  // Q4_K_M: some tensors are Q6_K
  int file_type;
};

WeightType ParseType(const std::string& name) {
  if (name == "f32") return {GGML_TYPE_F32, false, 0};
  if (name == "f16") return {GGML_TYPE_F16, false, 1};
  if (name == "q8_0") return {GGML_TYPE_Q8_0, false, 7};
  if (name == "q4_k") return {GGML_TYPE_Q4_K, false, 14};
  if (name == "q4_k_m") return {GGML_TYPE_Q4_K, true, 15};
  throw std::runtime_error("unknown type " + name);
}

// The layers whose attn_v and ffn_down llama.cpp's Q4_K_M keeps in Q6_K.
bool UsesMoreBits(std::int64_t layer, std::int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

double Spread(double scale, std::int64_t inputs) { return scale / std::sqrt(static_cast<double>(inputs)); }

struct LayerTypes {
  ggml_type base;
  ggml_type careful;  // of attn_v and ffn_down
};

LayerTypes TypesOf(const WeightType& weight, bool more_bits) {
  return {weight.base, weight.mixed && more_bits ? GGML_TYPE_Q6_K : weight.base};
}

// Scores of the attention get a deviation of 1.5² instead of 1. Where queries and keys are normalized, the norms'
// weights do it.
constexpr double kPeak = 1.5;

void AddAttention(GgufFile& file, const std::string& p, const LayerTypes& types, std::int64_t embd, std::int64_t head,
                  std::int64_t heads, std::int64_t kv_heads) {
  file.Random(p + "attn_q.weight", {embd, head * heads}, types.base, Spread(kPeak, embd));
  file.Random(p + "attn_k.weight", {embd, head * kv_heads}, types.base, Spread(kPeak, embd));
  file.Random(p + "attn_v.weight", {embd, head * kv_heads}, types.careful, Spread(1, embd));
  file.Random(p + "attn_output.weight", {head * heads, embd}, types.base, Spread(1, head * heads));
}

void AddHeadNorms(GgufFile& file, const std::string& p, std::int64_t head) {
  file.Constant(p + "attn_q_norm.weight", {head}, static_cast<float>(kPeak));
  file.Constant(p + "attn_k_norm.weight", {head}, static_cast<float>(kPeak));
}

void AddFeedForward(GgufFile& file, const std::string& p, const LayerTypes& types, std::int64_t embd, std::int64_t ff) {
  file.Random(p + "ffn_gate.weight", {embd, ff}, types.base, Spread(1, embd));
  file.Random(p + "ffn_up.weight", {embd, ff}, types.base, Spread(1, embd));
  file.Random(p + "ffn_down.weight", {ff, embd}, types.careful, Spread(1, ff));
}

// DeepSeek's attention, whose keys and values come from one short row of all heads.
constexpr std::int64_t kQueryRow = 48;
constexpr std::int64_t kKeyRow = 32;
constexpr std::int64_t kTurned = 16;  // values of a head that RoPE turns
constexpr std::int64_t kPlain = 32;

void AddShortRowAttention(GgufFile& file, const std::string& p, ggml_type type, std::int64_t embd, std::int64_t heads) {
  file.Constant(p + "attn_q_a_norm.weight", {kQueryRow}, 1.0F);
  file.Constant(p + "attn_kv_a_norm.weight", {kKeyRow}, 1.0F);
  file.Random(p + "attn_q_a.weight", {embd, kQueryRow}, type, Spread(1, embd));
  file.Random(p + "attn_q_b.weight", {kQueryRow, heads * (kPlain + kTurned)}, type, Spread(kPeak, kQueryRow));
  file.Random(p + "attn_kv_a_mqa.weight", {embd, kKeyRow + kTurned}, type, Spread(1, embd));
  file.Random(p + "attn_k_b.weight", {kPlain, kKeyRow, heads}, type, Spread(kPeak, kPlain));
  file.Random(p + "attn_v_b.weight", {kKeyRow, kPlain, heads}, type, Spread(1, kKeyRow));
  file.Random(p + "attn_output.weight", {kPlain * heads, embd}, type, Spread(1, kPlain * heads));
}

void SayShortRows(GgufFile& file, const std::string& arch) {
  file.SetInt(arch + ".attention.q_lora_rank", kQueryRow);
  file.SetInt(arch + ".attention.kv_lora_rank", kKeyRow);
  file.SetInt(arch + ".attention.key_length", kKeyRow + kTurned);
  file.SetInt(arch + ".attention.value_length", kKeyRow);
  file.SetInt(arch + ".attention.key_length_mla", kPlain + kTurned);
  file.SetInt(arch + ".attention.value_length_mla", kPlain);
  file.SetInt(arch + ".rope.dimension_count", kTurned);
}

// The feed-forward of a head: as the makers', of experts.
void AddExperts(GgufFile& file, const std::string& p, ggml_type type, std::int64_t embd, std::int64_t ff) {
  const std::int64_t experts = 4;
  file.Random(p + "ffn_gate_inp.weight", {embd, experts}, GGML_TYPE_F32, Spread(1, embd));
  file.Constant(p + "exp_probs_b.bias", {experts}, 0.0F);
  file.Random(p + "ffn_gate_exps.weight", {embd, ff, experts}, type, Spread(1, embd));
  file.Random(p + "ffn_up_exps.weight", {embd, ff, experts}, type, Spread(1, embd));
  file.Random(p + "ffn_down_exps.weight", {ff, embd, experts}, type, Spread(1, ff));
  file.Random(p + "ffn_gate_shexp.weight", {embd, ff}, type, Spread(1, embd));
  file.Random(p + "ffn_up_shexp.weight", {embd, ff}, type, Spread(1, embd));
  file.Random(p + "ffn_down_shexp.weight", {ff, embd}, type, Spread(1, ff));
}

// What makes a layer behind the others a prediction head.
void AddHead(GgufFile& file, const std::string& p, ggml_type type, std::int64_t embd) {
  file.Random(p + "nextn.eh_proj.weight", {2 * embd, embd}, type, Spread(1, 2 * embd));
  file.Constant(p + "nextn.enorm.weight", {embd}, 1.0F);
  file.Constant(p + "nextn.hnorm.weight", {embd}, 1.0F);
  file.Constant(p + "nextn.shared_head_norm.weight", {embd}, 1.0F);
}

// Facts of a model with experts in its head alone.
void SayExperts(GgufFile& file, const std::string& arch, std::int64_t layers, std::int64_t next, std::int64_t ff) {
  if (next > 0) file.SetInt(arch + ".nextn_predict_layers", next);
  file.SetInt(arch + ".leading_dense_block_count", layers);
  file.SetInt(arch + ".expert_count", 4);
  file.SetInt(arch + ".expert_used_count", 2);
  file.SetInt(arch + ".expert_shared_count", 1);
  file.SetInt(arch + ".expert_feed_forward_length", ff);
  file.SetInt(arch + ".expert_shared_feed_forward_length", ff);
}

void MakeText(GgufFile& file, const std::string& arch, CommandLine& options) {
  const std::int64_t embd = options.Int("embd", 128);
  const std::int64_t layers = options.Int("layers", 3);
  const std::int64_t heads = options.Int("heads", 4);
  const std::int64_t kv_heads = options.Int("kv-heads", heads / 2);
  const std::int64_t ff = options.Int("ff", embd * 2);
  const std::int64_t window = options.Int("window", 0);
  const double logit_scale = options.Real("logit-scale", 3);
  const WeightType weight = ParseType(options.Text("type", "f16"));
  const std::string vocab = options.Text("vocab", "words:1000");
  const std::int64_t head = embd / heads;
  const bool gemma = arch == "gemma3";
  const bool glm = arch == "glm4moe";
  const bool deepseek = arch == "deepseek2";
  const bool predicts = glm || deepseek || arch == "hy_v3";
  const std::int64_t next = predicts ? options.Int("next", 1) : 0;
  std::vector<std::string> controls;
  std::istringstream list(options.Text("controls", ""));
  for (std::string control; std::getline(list, control, ',');) controls.push_back(control);

  const Vocabulary vocabulary = vocab.rfind("words:", 0) == 0
                                    ? AddWords(file, static_cast<std::size_t>(std::stoull(vocab.substr(6))), controls)
                                    : CopyVocabulary(file, vocab);
  if (options.Int("add-eos", 0) != 0) file.SetBool("tokenizer.ggml.add_eos_token", true);
  file.Set("general.architecture", arch);
  file.Set("general.name", "random " + arch);
  file.SetInt("general.file_type", weight.file_type);
  file.SetInt(arch + ".vocab_size", vocabulary.size());
  file.SetInt(arch + ".context_length", options.Int("ctx", 8192));
  file.SetInt(arch + ".embedding_length", embd);
  file.SetInt(arch + ".block_count", layers + next);
  if (predicts) SayExperts(file, arch, layers, next, ff);
  file.SetInt(arch + ".feed_forward_length", ff);
  file.SetInt(arch + ".attention.head_count", heads);
  file.SetInt(arch + ".attention.head_count_kv", deepseek ? 1 : kv_heads);
  file.SetReal(arch + ".attention.layer_norm_rms_epsilon", 1e-5);
  file.SetReal(arch + ".rope.freq_base", 10000);
  if (gemma) {
    file.SetInt(arch + ".attention.key_length", head);
    file.SetInt(arch + ".attention.value_length", head);
    if (window > 0) file.SetInt(arch + ".attention.sliding_window", window);
  } else if (deepseek) {
    SayShortRows(file, arch);
  } else {
    file.SetInt(arch + ".rope.dimension_count", head);
  }
  if (arch == "qwen2vl") {
    const auto pairs = static_cast<std::int32_t>(head / 2);  // shared out over time, height and width as 2:3:3
    const std::int32_t side = pairs * 3 / 8;
    file.SetInts(arch + ".rope.dimension_sections", {pairs - 2 * side, side, side, 0});
  }

  // Gemma multiplies token embeddings, but not image embeddings, by √embd.
  const double embedding = gemma ? Spread(0.5, embd) : 0.5;
  file.Random("token_embd.weight", {embd, vocabulary.size()}, weight.base, embedding);
  file.Random("output.weight", {embd, vocabulary.size()}, weight.mixed ? GGML_TYPE_Q6_K : weight.base,
              Spread(logit_scale, embd), [vocabulary](std::int64_t token) { return vocabulary.Generated(token); });
  file.Constant("output_norm.weight", {embd}, 1.0F);
  for (std::int64_t i = 0; i < layers + next; ++i) {
    const std::string p = "blk." + std::to_string(i) + ".";
    const LayerTypes types = TypesOf(weight, UsesMoreBits(i, layers));
    file.Constant(p + "attn_norm.weight", {embd}, 1.0F);
    file.Constant(p + (glm ? "post_attention_norm.weight" : "ffn_norm.weight"), {embd}, 1.0F);
    if (deepseek) {
      AddShortRowAttention(file, p, weight.base, embd, heads);
    } else {
      AddAttention(file, p, types, embd, head, heads, kv_heads);
    }
    if (gemma || arch == "hy_v3") AddHeadNorms(file, p, head);
    if (gemma) {
      file.Constant(p + "post_attention_norm.weight", {embd}, 0.5F);
      file.Constant(p + "post_ffw_norm.weight", {embd}, 0.5F);
    }
    if (i >= layers) AddHead(file, p, weight.base, embd);
    if (i >= layers && arch != "hy_v3") {
      AddExperts(file, p, weight.base, embd, ff);
    } else {
      AddFeedForward(file, p, types, embd, ff);
    }
  }
}

void MakeProjector(GgufFile& file, const std::string& family, CommandLine& options) {
  const bool qwen = family == "qwen2vl";
  const bool gemma = family == "gemma3";
  const bool intern = family == "internvl";
  const std::int64_t embd = options.Int("embd", 64);
  const std::int64_t layers = options.Int("layers", 3);
  const std::int64_t heads = options.Int("heads", 2);
  const std::int64_t ff = options.Int("ff", embd * 2);
  const std::int64_t image = options.Int("image", 112);
  const std::int64_t patch = options.Int("patch", 14);
  const std::int64_t merge = options.Int("merge", 2);
  const std::int64_t out = options.Int("out", 128);
  const WeightType weight = ParseType(options.Text("type", "f16"));
  const ggml_type type = weight.base;

  file.Set("general.architecture", "clip");
  file.SetInt("general.file_type", weight.file_type);
  file.SetBool("clip.has_vision_encoder", true);
  file.Set("clip.projector_type", qwen ? "qwen2vl_merger" : gemma ? "gemma3" : intern ? "internvl" : "mlp");
  file.SetBool("clip.use_gelu", true);
  file.SetInt("clip.vision.image_size", image);
  file.SetInt("clip.vision.patch_size", patch);
  file.SetInt("clip.vision.embedding_length", embd);
  file.SetInt("clip.vision.feed_forward_length", ff);
  file.SetInt("clip.vision.block_count", layers);
  file.SetInt("clip.vision.projection_dim", out);
  file.SetInt("clip.vision.attention.head_count", heads);
  file.SetReal("clip.vision.attention.layer_norm_epsilon", 1e-6);
  file.SetReals("clip.vision.image_mean", {0.5F, 0.5F, 0.5F});
  file.SetReals("clip.vision.image_std", {0.5F, 0.5F, 0.5F});
  if (gemma || intern) file.SetInt("clip.vision.projector.scale_factor", merge);
  if (intern) file.SetInt("clip.vision.preproc_max_tiles", 4);

  const std::int64_t pixels = patch * patch * 3;
  const ggml_type kernel = type == GGML_TYPE_F32 ? GGML_TYPE_F32 : GGML_TYPE_F16;
  file.Random("v.patch_embd.weight", {patch, patch, 3, embd}, kernel, Spread(1, pixels));
  if (qwen) file.Random("v.patch_embd.weight.1", {patch, patch, 3, embd}, kernel, Spread(1, pixels));
  const std::int64_t positions = (image / patch) * (image / patch) + (intern ? 1 : 0);
  if (!qwen) file.Random("v.position_embd.weight", {embd, positions}, GGML_TYPE_F32, 0.5);
  if (intern) file.Random("v.class_embd", {embd}, GGML_TYPE_F32, 0.5);
  for (std::int64_t i = 0; i < layers; ++i) {
    const std::string p = "v.blk." + std::to_string(i) + ".";
    for (const char* norm : {"ln1", "ln2"}) {
      file.Constant(p + norm + ".weight", {embd}, 1.0F);
      file.Constant(p + norm + ".bias", {embd}, 0.0F);
    }
    for (const char* name : {"attn_q", "attn_k", "attn_v", "attn_out"}) {
      file.Random(p + name + ".weight", {embd, embd}, type, Spread(1, embd));
      file.Constant(p + name + ".bias", {embd}, 0.0F);
    }
    file.Random(p + "ffn_up.weight", {embd, ff}, type, Spread(1, embd));
    file.Constant(p + "ffn_up.bias", {ff}, 0.0F);
    file.Random(p + "ffn_down.weight", {ff, embd}, type, Spread(1, ff));
    file.Constant(p + "ffn_down.bias", {embd}, 0.0F);
  }
  if (gemma) {
    file.Constant("v.post_ln.weight", {embd}, 1.0F);
    file.Constant("v.post_ln.bias", {embd}, 0.0F);
    file.Constant("mm.soft_emb_norm.weight", {embd}, 1.0F);
    // Stored the other way round than every other matrix: the graph transposes it.
    file.Random("mm.input_projection.weight", {out, embd}, type, Spread(1, embd));
    return;
  }
  const std::int64_t inputs = qwen || intern ? embd * merge * merge : embd;
  if (intern) {
    file.Constant("mm.model.mlp.0.weight", {inputs}, 1.0F);
    file.Constant("mm.model.mlp.0.bias", {inputs}, 0.0F);
    file.Random("mm.model.mlp.1.weight", {inputs, out}, type, Spread(1, inputs));
    file.Constant("mm.model.mlp.1.bias", {out}, 0.0F);
    file.Random("mm.model.mlp.3.weight", {out, out}, type, Spread(1, out));
    file.Constant("mm.model.mlp.3.bias", {out}, 0.0F);
    return;
  }
  file.Random("mm.0.weight", {inputs, out}, type, Spread(1, inputs));
  file.Constant("mm.0.bias", {out}, 0.0F);
  file.Random("mm.2.weight", {out, out}, type, Spread(1, out));
  file.Constant("mm.2.bias", {out}, 0.0F);
}

int Run(int argc, char** argv) {
  CommandLine options(argc, argv);
  if (options.words().size() != 2) throw std::runtime_error("usage: random_gguf KIND OUT [--option value]…");
  const std::string& kind = options.words()[0];
  GgufFile file(static_cast<std::uint64_t>(options.Int("seed", 1)));
  if (options.Int("repeat", 0) != 0) file.RepeatRows();

  const std::string suffix = "-mmproj";
  const std::size_t end = kind.size() > suffix.size() ? kind.size() - suffix.size() : 0;
  const std::string family = kind.substr(end) == suffix ? kind.substr(0, end) : "";
  if (family == "llava" || family == "qwen2vl" || family == "gemma3" || family == "internvl") {
    MakeProjector(file, family, options);
  } else if (kind == "llama" || kind == "qwen2vl" || kind == "gemma3" || kind == "glm4moe" || kind == "hy_v3" ||
             kind == "deepseek2") {
    MakeText(file, kind, options);
  } else if (EncoderWriter::Knows(kind)) {
    const WeightType weight = ParseType(options.Text("type", "f32"));
    MakeEncoder(file, kind, weight.base, weight.file_type, options);
  } else {
    throw std::runtime_error("unknown kind " + kind);
  }
  options.CheckAllUsed();
  file.Write(options.words()[1]);
  return 0;
}

}  // namespace
}  // namespace medinfer::tools

int main(int argc, char** argv) {
  try {
    return medinfer::tools::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "random_gguf: %s\n", error.what());
    return 1;
  }
}
