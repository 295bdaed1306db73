#include "model/metadata_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "llama-arch.h"
#include "llama-hparams.h"
#include "model/gguf_values.h"

namespace medinfer {
namespace {

constexpr double kInt32 = std::numeric_limits<std::int32_t>::max();
constexpr double kFloat = std::numeric_limits<float>::max();

// What the value of a key may be, and every element where it is an array. Where llama.cpp has no bound of its own, the
// bound is far beyond any model and far below what overflows.
struct Range {
  const char* key;  // behind the name of the architecture
  double least;
  double most;
};

constexpr std::array kRanges = {
    Range{"block_count", 1, LLAMA_MAX_LAYERS},
    Range{"context_length", 1, kInt32},
    Range{"embedding_length", 1, 1 << 20},
    Range{"embedding_length_out", 0, 1 << 20},
    Range{"embedding_length_per_layer_input", 0, 1 << 20},
    Range{"feed_forward_length", 0, 1 << 24},
    Range{"expert_feed_forward_length", 0, 1 << 24},
    Range{"expert_shared_feed_forward_length", 0, 1 << 24},
    Range{"expert_chunk_feed_forward_length", 0, 1 << 24},
    Range{"vocab_size", 0, 1 << 24},
    Range{"attention.head_count", 0, 1 << 14},
    Range{"attention.head_count_kv", 0, 1 << 14},
    Range{"attention.key_length", 0, 1 << 16},
    Range{"attention.value_length", 0, 1 << 16},
    Range{"attention.key_length_swa", 0, 1 << 16},
    Range{"attention.value_length_swa", 0, 1 << 16},
    Range{"attention.key_length_mla", 0, 1 << 16},
    Range{"attention.value_length_mla", 0, 1 << 16},
    Range{"attention.layer_norm_epsilon", 0, 1},
    Range{"attention.layer_norm_rms_epsilon", 0, 1},
    Range{"attention.group_norm_epsilon", 0, 1},
    Range{"attention.group_norm_groups", 0, 1 << 16},
    Range{"attention.sliding_window", 0, kInt32},
    Range{"attention.indexer.block_size", 0, 1 << 20},
    Range{"attention.output_group_count", 0, 1 << 14},
    Range{"conv_group_size", 0, 1 << 20},
    Range{"n_deepstack_layers", 0, LLAMA_MAX_LAYERS},
    Range{"token_shift_count", 0, 2},
    Range{"hyper_connection.sinkhorn_iterations", 0, 1 << 10},
    Range{"rope.dimension_count", 0, 1 << 16},
    Range{"rope.dimension_count_swa", 0, 1 << 16},
    Range{"rope.dimension_sections", 0, 1 << 15},
    Range{"rope.freq_base", 0, kFloat},
    Range{"rope.freq_base_swa", 0, kFloat},
    Range{"expert_count", 0, LLAMA_MAX_EXPERTS},
    Range{"expert_used_count", 0, LLAMA_MAX_EXPERTS},
    Range{"expert_shared_count", 0, LLAMA_MAX_EXPERTS},
    Range{"experts_per_group", 0, LLAMA_MAX_EXPERTS},
    Range{"interleave_moe_layer_step", 0, LLAMA_MAX_LAYERS},
    Range{"full_attention_interval", 0, LLAMA_MAX_LAYERS},
    Range{"wkv.head_size", 0, 1 << 16},
    Range{"ssm.conv_kernel", 0, 1 << 10},
    Range{"ssm.inner_size", 0, 1 << 24},
    Range{"ssm.state_size", 0, 1 << 16},
    Range{"ssm.time_step_rank", 0, 1 << 16},
    Range{"ssm.group_count", 0, 1 << 16},
    Range{"shortconv.l_cache", 0, 1 << 10},
};

// Values that some architectures divide by, and that others may have as 0: llama.cpp's own writer of models writes all
// keys that it knows.
struct Divisor {
  const char* key;
  std::array<std::string_view, 10> architectures;
};

constexpr std::array kDivisors = {
    Divisor{"interleave_moe_layer_step", {"ernie4_5-moe"}},
    Divisor{"experts_per_group", {"grovemoe"}},
    Divisor{"attention.output_group_count", {"deepseek4", "dflash"}},
    Divisor{"attention.indexer.block_size", {"minimax-m3"}},
    Divisor{"conv_group_size", {"dflash"}},
    Divisor{"shortconv.l_cache", {"lfm2", "lfm2moe"}},
    Divisor{"wkv.head_size", {"rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"}},
    Divisor{"full_attention_interval", {"qwen3next", "qwen35", "qwen35moe", "qwen4exp", "minimax-01"}},
    Divisor{"ssm.group_count",
            {"mamba2", "falcon-h1", "granitehybrid", "nemotron_h", "nemotron_h_moe", "qwen3next", "qwen35", "qwen35moe",
             "qwen4exp"}},
    Divisor{"ssm.time_step_rank",
            {"mamba2", "falcon-h1", "granitehybrid", "nemotron_h", "nemotron_h_moe", "plamo2", "qwen3next", "qwen35",
             "qwen35moe", "qwen4exp"}},
};

std::string Says(const GgufValues& values, const std::string& key, const std::string& expected) {
  return key + " is " + values.Show(key) + ", and has to be " + expected;
}

std::string InWords(double number) {
  return number == kFloat ? "the largest number" : std::to_string(static_cast<long long>(number));
}

std::string FindOutOfRange(const GgufValues& values, const std::string& prefix) {
  for (const Range& range : kRanges) {
    const std::string key = prefix + range.key;
    for (const double number : values.Numbers(key)) {
      if (number >= range.least && number <= range.most) continue;
      return Says(values, key, "from " + InWords(range.least) + " to " + InWords(range.most));
    }
  }
  return {};
}

std::string FindDivisor(const GgufValues& values, const std::string& prefix) {
  const std::string_view architecture(prefix.data(), prefix.size() - 1);
  for (const Divisor& divisor : kDivisors) {
    if (std::ranges::find(divisor.architectures, architecture) == divisor.architectures.end()) continue;
    const std::string key = prefix + divisor.key;
    const std::vector<double> numbers = values.Numbers(key);
    // Where it is missing, llama.cpp says so itself.
    if (std::ranges::find(numbers, 0.0) != numbers.end()) return Says(values, key, "at least 1");
  }
  return {};
}

// The value at a layer of a key that is a number or one number per layer.
double AtLayer(const std::vector<double>& numbers, std::size_t layer) {
  if (numbers.empty()) return 0;
  return numbers.size() == 1 ? numbers.front() : numbers[std::min(layer, numbers.size() - 1)];
}

std::string FindBadHeads(const GgufValues& values, const std::string& prefix) {
  const std::string heads_key = prefix + "attention.head_count";
  const std::string kv_key = prefix + "attention.head_count_kv";
  const std::vector<double> heads = values.Numbers(heads_key);
  const std::vector<double> heads_kv = values.Numbers(kv_key);
  // Layers without heads are those of recurrent models, and Deci's; others divide by the heads of the first.
  const llm_arch architecture = llm_arch_from_string(prefix.substr(0, prefix.size() - 1));
  const bool may_have_none = architecture == LLM_ARCH_UNKNOWN || architecture == LLM_ARCH_DECI ||
                             llm_arch_is_recurrent(architecture) || llm_arch_is_hybrid(architecture);
  if (!may_have_none && (heads.empty() || heads.front() < 1)) return Says(values, heads_key, "at least 1");
  if (heads.empty() || heads_kv.empty()) return {};
  const std::size_t n_layers = std::max(heads.size(), heads_kv.size());
  for (std::size_t i = 0; i < n_layers; ++i) {
    const double n = AtLayer(heads, i);
    const double n_kv = AtLayer(heads_kv, i);
    if (n > 0 && n_kv > 0 && std::fmod(n, n_kv) != 0) {
      return Says(values, kv_key, "a divisor of " + heads_key + ", " + values.Show(heads_key));
    }
  }
  return {};
}

std::string FindBadRope(const GgufValues& values, const std::string& prefix) {
  const double heads = values.Number(prefix + "attention.head_count").value_or(0);
  if (heads < 1) return {};
  const double whole = std::floor(values.Number(prefix + "embedding_length").value_or(0) / heads);
  for (const std::string suffix : {"", "_swa"}) {
    const std::string key = std::string(prefix).append("rope.dimension_count").append(suffix);
    const auto dimensions = values.Number(key);
    if (!dimensions) continue;
    if (std::fmod(*dimensions, 2) != 0) return Says(values, key, "even");
    const auto of_all = values.Number(prefix + "attention.key_length");
    const double head = values.Number(std::string(prefix).append("attention.key_length").append(suffix))
                            .value_or(of_all.value_or(whole));
    if (head > 0 && *dimensions > head) {
      return Says(values, key, "at most the size of a head, " + InWords(head));
    }
  }
  return {};
}

std::string FindBadExperts(const GgufValues& values, const std::string& prefix) {
  const double experts = values.Number(prefix + "expert_count").value_or(0);
  const std::string used_key = prefix + "expert_used_count";
  const std::vector<double> used = values.Numbers(used_key);
  for (const double number : used) {
    if (number > experts && experts > 0) {
      return Says(values, used_key, "at most " + prefix + "expert_count, " + InWords(experts));
    }
  }
  // An expert's size that is not said is the layer's by the number of experts that are used.
  const std::vector<double> sizes = values.Numbers(prefix + "feed_forward_length");
  const std::vector<double> expert_sizes = values.Numbers(prefix + "expert_feed_forward_length");
  const bool has_experts = experts > 0 || prefix == "qwen35moe." || prefix == "qwen4exp." || prefix == "qwen3next.";
  const std::size_t n_layers = std::max({used.size(), sizes.size(), expert_sizes.size()});
  for (std::size_t i = 0; has_experts && i < n_layers; ++i) {
    if (AtLayer(sizes, i) > 0 && AtLayer(expert_sizes, i) == 0 && AtLayer(used, i) == 0) {
      return Says(values, used_key, "at least 1");
    }
  }
  const std::string groups_key = prefix + "expert_group_count";
  const std::string chosen_key = prefix + "expert_group_used_count";
  const double groups = values.Number(groups_key).value_or(0);
  const double chosen = values.Number(chosen_key).value_or(0);
  if (groups != 0 && experts > 0 && (groups >= experts || std::fmod(experts, groups) != 0)) {
    return Says(values, groups_key, "a divisor of " + prefix + "expert_count, " + InWords(experts));
  }
  if (groups > 1 && (chosen < 1 || chosen >= groups)) {
    return Says(values, chosen_key, "from 1 to less than " + groups_key + ", " + InWords(groups));
  }
  return {};
}

}  // namespace

std::string FindBadMetadata(const gguf_context* gguf) {
  const GgufValues values(gguf);
  const std::string architecture = values.Text("general.architecture");
  // llama.cpp names an architecture that it does not know, at whatever length.
  if (architecture.size() > kMostOfValue) return Says(values, "general.architecture", "the name of an architecture");
  const std::string prefix = architecture + ".";
  for (auto* find : {FindOutOfRange, FindDivisor, FindBadHeads, FindBadRope, FindBadExperts}) {
    if (std::string found = find(values, prefix); !found.empty()) return found;
  }
  return {};
}

}  // namespace medinfer
