// The CPU operations that native/patches change, against arithmetic written out in double precision.
#include <ggml-cpp.h>
#include <ggml-cpu.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "support/cpu_graph.h"

namespace medinfer {
namespace {

// Where weights are laid out anew for this CPU's products.
ggml_backend_buffer_type_t RepackBuffers() {
  ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  const auto all = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(
      ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts"))(cpu);
  for (auto* each = all; each && *each; ++each) {
    if (std::string(ggml_backend_buft_name(*each)).find("REPACK") != std::string::npos) return *each;
  }
  return ggml_backend_cpu_buffer_type();
}

struct Attention {
  const char* name;
  ggml_type type;  // of keys and values
  std::int64_t head_size;
  std::int64_t heads;
  std::int64_t kv_heads;
  std::int64_t queries;
  std::int64_t cells;
  double tolerance;
  float max_bias = 0;  // of ALiBi
  float softcap = 0;
  bool sinks = false;
  bool texts = false;          // side by side, and no cache: REQUIRES as many cells as queries
  std::int64_t window = 1000;  // of a text's token
};

class FlashAttention : public testing::TestWithParam<Attention> {};

// A pool of many sequences: each query sees scattered runs of cells and single ones, the first sees nothing but one
// cell. What is seen lies between 0 and -`spread`.
std::vector<float> ScatteredMask(std::mt19937& random, std::int64_t queries, std::int64_t cells, float spread) {
  std::vector<float> mask(static_cast<std::size_t>(queries * cells), -std::numeric_limits<float>::infinity());
  const auto at = [&](std::int64_t limit) { return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random); };
  for (std::int64_t query = 0; query < queries; ++query) {
    float* row = mask.data() + query * cells;
    row[at(cells)] = 0.0F;
    for (int run = 0; query > 0 && run < 3; ++run) {
      const std::int64_t start = at(cells);
      std::fill(row + start, row + std::min(cells, start + at(150)), 0.0F);
    }
    for (std::int64_t cell = 0; cell < cells; ++cell) row[cell] -= spread * static_cast<float>(at(16)) / 16;
  }
  return mask;
}

// Texts of 1 to 90 tokens side by side: each token sees those of its text, no further away than `window`.
std::vector<float> TextsMask(std::mt19937& random, std::int64_t tokens, float spread, std::int64_t window) {
  std::vector<float> mask(static_cast<std::size_t>(tokens * tokens), -std::numeric_limits<float>::infinity());
  for (std::int64_t begin = 0; begin < tokens;) {
    const std::int64_t length = std::uniform_int_distribution<std::int64_t>(1, 90)(random);
    const std::int64_t end = std::min(tokens, begin + length);
    for (std::int64_t row = begin; row < end; ++row) {
      for (std::int64_t cell = std::max(begin, row - window); cell < std::min(end, row + window + 1); ++cell) {
        mask[static_cast<std::size_t>(row * tokens + cell)] =
            spread > 0 ? -static_cast<float>(std::abs(row - cell)) / 16 : 0;
      }
    }
    begin = end;
  }
  return mask;
}

TEST_P(FlashAttention, EqualsSoftmaxInDoublePrecision) {
  const Attention& p = GetParam();
  std::mt19937 random(7);
  CpuGraph graph(p.texts);
  // Keys and values of a cell stand beside each other for all heads, as in the cache.
  ggml_tensor* query = ggml_new_tensor_3d(graph.context(), GGML_TYPE_F32, p.head_size, p.queries, p.heads);
  ggml_tensor* key = ggml_new_tensor_3d(graph.context(), p.type, p.head_size, p.kv_heads, p.cells);
  ggml_tensor* value = ggml_new_tensor_3d(graph.context(), p.type, p.head_size, p.kv_heads, p.cells);
  ggml_tensor* mask = ggml_new_tensor_2d(graph.context(), GGML_TYPE_F16, p.cells, p.queries);
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(p.head_size)));
  ggml_tensor* output =
      ggml_flash_attn_ext(graph.context(), query, ggml_permute(graph.context(), key, 0, 2, 1, 3),
                          ggml_permute(graph.context(), value, 0, 2, 1, 3), mask, scale, p.max_bias, p.softcap);
  ggml_prec_set_acc(output, GGML_PREC_F32);
  ggml_tensor* sinks = ggml_new_tensor_1d(graph.context(), GGML_TYPE_F32, p.heads);
  if (p.sinks) ggml_flash_attn_ext_add_sinks(output, sinks);
  graph.Allocate();
  const auto q = Store(query, Normal(random, static_cast<std::size_t>(ggml_nelements(query))));
  const auto k = Store(key, Normal(random, static_cast<std::size_t>(ggml_nelements(key))));
  const auto v = Store(value, Normal(random, static_cast<std::size_t>(ggml_nelements(value))));
  const float spread = p.max_bias > 0 ? 4.0F : 0.0F;
  const auto m = Store(mask, p.texts ? TextsMask(random, p.queries, spread, p.window)
                                     : ScatteredMask(random, p.queries, p.cells, spread));
  const auto sink = Store(sinks, Normal(random, static_cast<std::size_t>(p.heads)));

  const auto got = graph.Compute(output);

  double worst = 0;
  for (std::int64_t h = 0; h < p.heads; ++h) {
    const std::int64_t kv_head = h / (p.heads / p.kv_heads);
    // As in the paper, for numbers of heads that are powers of two (Press et al. 2022, section 3).
    const double slope =
        p.max_bias > 0 ? std::exp2(-p.max_bias * static_cast<double>(h + 1) / static_cast<double>(p.heads)) : 1;
    for (std::int64_t i = 0; i < p.queries; ++i) {
      std::vector<double> sum(static_cast<std::size_t>(p.head_size));
      double total = p.sinks ? std::exp(sink[h]) : 0;
      for (std::int64_t cell = 0; cell < p.cells; ++cell) {
        if (std::isinf(m[i * p.cells + cell])) continue;
        const std::int64_t row = (cell * p.kv_heads + kv_head) * p.head_size;
        double score = 0;
        for (std::int64_t d = 0; d < p.head_size; ++d) {
          score += static_cast<double>(q[(h * p.queries + i) * p.head_size + d]) * k[row + d];
        }
        score *= scale;
        if (p.softcap > 0) score = p.softcap * std::tanh(score / p.softcap);
        const double weight = std::exp(score + slope * m[i * p.cells + cell]);
        total += weight;
        for (std::int64_t d = 0; d < p.head_size; ++d) sum[d] += weight * v[row + d];
      }
      for (std::int64_t d = 0; d < p.head_size; ++d) {
        worst = std::max(worst, std::abs(sum[d] / total - got[(i * p.heads + h) * p.head_size + d]));
      }
    }
  }
  EXPECT_LT(worst, p.tolerance);
}

struct Listed {
  const char* name;
  ggml_type type;  // of keys and values
  std::int64_t head_size;
  std::int64_t heads;
  std::int64_t kv_heads;
  std::vector<int> queries;  // of each sequence, at the end of what it sees
  std::vector<int> cells;    // that its last query sees
  float softcap = 0;
  bool sinks = false;
};

class ListedAttention : public testing::TestWithParam<Listed> {
 protected:
  static constexpr std::int64_t kPool = 2048;

  // Lists of cells, and the mask that says the same.
  struct Seen {
    std::vector<std::int32_t> cells;
    std::vector<std::int64_t> first;
    std::vector<std::int32_t> count;
    int written = 0;

    std::vector<float> Mask() const {
      std::vector<float> mask(count.size() * kPool, -std::numeric_limits<float>::infinity());
      for (std::size_t query = 0; query < count.size(); ++query) {
        for (std::int32_t at = 0; at < count[query]; ++at) {
          mask[query * kPool + static_cast<std::size_t>(cells[static_cast<std::size_t>(first[query] + at)])] = 0;
        }
      }
      return mask;
    }
  };

  static Seen Draw(std::mt19937& random, const Listed& p) {
    std::vector<std::int32_t> pool(kPool);
    std::iota(pool.begin(), pool.end(), 0);
    std::ranges::shuffle(pool, random);  // no sequence has its cells in the cache's order
    Seen seen;
    auto next = pool.begin();
    for (std::size_t s = 0; s < p.queries.size(); ++s) {
      const auto begin = static_cast<std::int64_t>(seen.cells.size());
      seen.cells.insert(seen.cells.end(), next, next + p.cells[s]);
      next += p.cells[s];
      for (int query = 0; query < p.queries[s]; ++query) {
        seen.first.push_back(begin);
        seen.count.push_back(p.cells[s] - p.queries[s] + 1 + query);
      }
    }
    seen.cells.resize(seen.cells.size() + GGML_CPU_SEEN_ROOM, 0);
    return seen;
  }
};

// By lists, with a mask that is all wrong until it is asked for, as by the mask that says the same.
TEST_P(ListedAttention, EqualsThatByAMask) {
  const Listed& p = GetParam();
  std::mt19937 random(31);
  Seen seen = Draw(random, p);
  const auto n_queries = static_cast<std::int64_t>(seen.count.size());
  const auto q = Normal(random, static_cast<std::size_t>(p.head_size * n_queries * p.heads));
  const auto k = Normal(random, static_cast<std::size_t>(p.head_size * p.kv_heads * kPool));
  const auto v = Normal(random, static_cast<std::size_t>(p.head_size * p.kv_heads * kPool));
  const auto sink = Normal(random, static_cast<std::size_t>(p.heads));
  const auto attend = [&](bool listed) {
    CpuGraph graph;
    ggml_tensor* query = ggml_new_tensor_3d(graph.context(), GGML_TYPE_F32, p.head_size, n_queries, p.heads);
    ggml_tensor* key = ggml_new_tensor_3d(graph.context(), p.type, p.head_size, p.kv_heads, kPool);
    ggml_tensor* value = ggml_new_tensor_3d(graph.context(), p.type, p.head_size, p.kv_heads, kPool);
    ggml_tensor* mask = ggml_new_tensor_2d(graph.context(), GGML_TYPE_F16, kPool, n_queries);
    ggml_set_input(mask);
    ggml_tensor* output =
        ggml_flash_attn_ext(graph.context(), query, ggml_permute(graph.context(), key, 0, 2, 1, 3),
                            ggml_permute(graph.context(), value, 0, 2, 1, 3), mask, 0.125F, 0, p.softcap);
    ggml_prec_set_acc(output, GGML_PREC_F32);
    ggml_tensor* sinks = ggml_new_tensor_1d(graph.context(), GGML_TYPE_F32, p.heads);
    if (p.sinks) ggml_flash_attn_ext_add_sinks(output, sinks);
    graph.Allocate();
    Store(query, q);
    Store(key, k);
    Store(value, v);
    Store(sinks, sink);
    Store(mask, listed ? std::vector<float>(static_cast<std::size_t>(kPool * n_queries), 1.0F) : seen.Mask());
    ggml_cpu_seen_cells told{.cells = seen.cells.data(),
                             .first = seen.first.data(),
                             .count = seen.count.data(),
                             .write =
                                 [](void* context, ggml_tensor* wanted) {
                                   auto* self = static_cast<Seen*>(context);
                                   Store(wanted, self->Mask());
                                   ++self->written;
                                 },
                             .context = &seen,
                             .written = false};
    if (listed) mask->extra = &told;
    return graph.Compute(output);
  };
  const auto by_mask = attend(false);
  const auto by_lists = attend(true);
  for (std::size_t at = 0; at < by_mask.size(); ++at) ASSERT_NEAR(by_lists[at], by_mask[at], 1e-5) << at;
  EXPECT_LE(seen.written, 1);
  if (p.type != GGML_TYPE_F16 || p.softcap > 0) {
    EXPECT_EQ(seen.written, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ListedAttention,
    testing::Values(Listed{"one_query", GGML_TYPE_F16, 64, 4, 4, {1}, {900}},
                    Listed{"one_query_one_head", GGML_TYPE_F16, 64, 4, 1, {1}, {1300}},
                    Listed{"first_token", GGML_TYPE_F16, 64, 4, 4, {1}, {1}},
                    Listed{"draft", GGML_TYPE_F16, 64, 9, 3, {7}, {600}},
                    Listed{"prompt", GGML_TYPE_F16, 64, 4, 4, {200}, {200}},
                    Listed{"prompt_behind_a_prefix", GGML_TYPE_F16, 80, 8, 2, {131}, {1000}},
                    Listed{"all_at_once", GGML_TYPE_F16, 64, 4, 4, {1, 90, 3, 17, 1, 16}, {700, 90, 400, 333, 1, 16}},
                    Listed{"all_at_once_grouped_sinks", GGML_TYPE_F16, 128, 8, 2, {5, 66, 1}, {500, 66, 900}, 0, true},
                    Listed{"softcap", GGML_TYPE_F16, 64, 4, 4, {1, 70}, {300, 70}, 30},
                    Listed{"keys_in_f32", GGML_TYPE_F32, 64, 4, 4, {1, 70, 2}, {300, 70, 40}},
                    Listed{"keys_in_q8_0", GGML_TYPE_Q8_0, 64, 4, 4, {2, 30}, {300, 70}}),
    [](const auto& shape) { return shape.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Shapes, FlashAttention,
    testing::Values(Attention{"one_query", GGML_TYPE_F16, 64, 4, 4, 1, 1024, 1e-5},
                    Attention{"one_query_grouped_heads", GGML_TYPE_F16, 128, 8, 2, 1, 777, 1e-5},
                    Attention{"one_query_short_cache", GGML_TYPE_F16, 64, 4, 4, 1, 40, 1e-5},
                    Attention{"batch", GGML_TYPE_F16, 64, 4, 4, 32, 1024, 1e-5},
                    Attention{"batch_odd_head", GGML_TYPE_F16, 40, 3, 3, 5, 333, 1e-5},
                    Attention{"batch_wide_head", GGML_TYPE_F16, 80, 8, 4, 17, 500, 1e-5},
                    Attention{"batch_f32", GGML_TYPE_F32, 64, 4, 2, 9, 200, 1e-5},
                    Attention{"batch_many_heads", GGML_TYPE_F16, 128, 32, 32, 3, 300, 1e-5},
                    Attention{"batch_grouped_heads", GGML_TYPE_F16, 64, 12, 2, 5, 400, 1e-5},
                    Attention{"batch_alibi", GGML_TYPE_F16, 64, 4, 4, 5, 400, 1e-4, 8},
                    Attention{"batch_softcap", GGML_TYPE_F16, 64, 4, 2, 5, 400, 1e-5, 0, 2},
                    Attention{"batch_sinks", GGML_TYPE_F16, 64, 4, 2, 5, 400, 1e-5, 0, 0, true},
                    Attention{"one_query_sinks", GGML_TYPE_F16, 64, 4, 4, 1, 600, 1e-5, 0, 0, true},
                    Attention{"grouped_q8_0", GGML_TYPE_Q8_0, 64, 12, 4, 5, 512, 2e-2},
                    Attention{"prompt", GGML_TYPE_F16, 64, 4, 2, 150, 640, 1e-5},
                    Attention{"prompt_odd_tile", GGML_TYPE_F16, 128, 2, 2, 67, 333, 1e-5},
                    Attention{"prompt_odd_head", GGML_TYPE_F16, 72, 4, 2, 150, 333, 1e-5},
                    Attention{"prompt_odd_head_f32", GGML_TYPE_F32, 40, 3, 3, 83, 83, 1e-5},
                    Attention{"prompt_odd_head_softcap", GGML_TYPE_F32, 40, 2, 2, 83, 90, 1e-5, 0, 2},
                    Attention{"prompt_softcap", GGML_TYPE_F16, 64, 2, 2, 83, 170, 1e-5, 0, 2},
                    Attention{"prompt_sinks", GGML_TYPE_F16, 64, 4, 2, 83, 170, 1e-5, 0, 0, true},
                    Attention{"prompt_alibi", GGML_TYPE_F16, 64, 4, 4, 83, 170, 1e-4, 8},
                    Attention{"prompt_f32", GGML_TYPE_F32, 64, 2, 2, 64, 64, 1e-5},
                    Attention{"batch_wide_pool", GGML_TYPE_F16, 64, 2, 2, 20, 9100, 1e-5},
                    Attention{"prompt_wide_pool", GGML_TYPE_F16, 64, 2, 2, 130, 9100, 1e-5},
                    Attention{"texts_f32", GGML_TYPE_F32, 32, 4, 4, 500, 500, 1e-5, 0, 0, false, true},
                    Attention{"texts_f16", GGML_TYPE_F16, 64, 2, 2, 333, 333, 1e-5, 0, 0, false, true},
                    Attention{"texts_odd_head", GGML_TYPE_F32, 40, 2, 2, 200, 200, 1e-5, 0, 0, false, true},
                    Attention{"texts_alibi", GGML_TYPE_F32, 32, 4, 4, 300, 300, 1e-4, 8, 0, false, true},
                    Attention{"texts_windows", GGML_TYPE_F32, 64, 2, 2, 300, 300, 1e-5, 0, 0, false, true, 20},
                    Attention{"no_cache_scattered", GGML_TYPE_F32, 64, 2, 2, 200, 200, 1e-5},
                    Attention{"quantised_q8_0", GGML_TYPE_Q8_0, 64, 4, 4, 8, 512, 2e-2},
                    Attention{"quantised_q4_0", GGML_TYPE_Q4_0, 64, 4, 4, 8, 512, 2e-2}),
    [](const auto& shape) { return std::string(shape.param.name); });

// A graph looks up once what the rows of a mask see: not for another mask, and not for what the mask held before.
TEST(FlashAttentions, OfOneGraphSeeWhatTheirOwnMaskShows) {
  constexpr std::int64_t kHeadSize = 64;
  constexpr std::int64_t kHeads = 2;
  constexpr std::int64_t kCells = 4500;
  for (const std::int64_t queries : {5, 100}) {
    std::mt19937 random(3);
    // The same threads for all graphs, and two masks that take turns, the second one of its own for each head.
    CpuGraph graph(true);
    ggml_context* context = graph.context();
    ggml_tensor* query = ggml_new_tensor_3d(context, GGML_TYPE_F32, kHeadSize, queries, kHeads);
    ggml_tensor* cache = ggml_new_tensor_3d(context, GGML_TYPE_F16, kHeadSize, kCells, kHeads);
    ggml_tensor* masks[] = {ggml_new_tensor_2d(context, GGML_TYPE_F16, kCells, queries),
                            ggml_new_tensor_3d(context, GGML_TYPE_F16, kCells, queries, kHeads)};
    constexpr std::array<std::size_t, 5> kMaskOf = {0, 0, 1, 0, 1};
    std::array<ggml_tensor*, kMaskOf.size()> outputs{};
    ggml_tensor* all = nullptr;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      outputs[i] = ggml_flash_attn_ext(context, query, cache, cache, masks[kMaskOf[i]], 0.125F, 0, 0);
      ggml_prec_set_acc(outputs[i], GGML_PREC_F32);
      all = all == nullptr ? outputs[i] : ggml_add(context, all, outputs[i]);
    }
    graph.Allocate();
    Store(query, Normal(random, static_cast<std::size_t>(ggml_nelements(query))));
    Store(cache, Normal(random, static_cast<std::size_t>(ggml_nelements(cache))));
    for (int round = 0; round < 2; ++round) {
      Store(masks[0], ScatteredMask(random, queries, kCells, 0));
      Store(masks[1], ScatteredMask(random, queries * kHeads, kCells, 0));
      // First of all one with the mask that the round before ended with.
      std::array<std::vector<float>, kMaskOf.size()> alone;
      for (std::size_t i = outputs.size(); i-- > 0;) alone[i] = graph.Compute(outputs[i]);
      graph.Compute(all);
      std::array<std::vector<float>, kMaskOf.size()> together;
      std::transform(outputs.begin(), outputs.end(), together.begin(), Values);
      for (std::size_t i = 0; i < outputs.size(); ++i) EXPECT_TRUE(alone[i] == together[i]) << i;
      EXPECT_TRUE(together[0] == together[1]);
      EXPECT_TRUE(together[2] == together[4]);
      EXPECT_FALSE(together[0] == together[2]);
    }
  }
}

struct Product {
  ggml_type type;  // of the weights
  std::int64_t rows;
  std::int64_t columns;
  std::int64_t inner;
};

class OutwardProduct : public testing::TestWithParam<Product> {};

TEST_P(OutwardProduct, EqualsSumsInDoublePrecision) {
  const Product& p = GetParam();
  std::mt19937 random(5);
  CpuGraph graph(true);
  ggml_tensor* weights = ggml_new_tensor_2d(graph.context(), p.type, p.inner, p.rows);
  // Two products: what a thread has left behind of the first must not show in the second.
  ggml_tensor* columns = ggml_new_tensor_3d(graph.context(), GGML_TYPE_F32, p.inner, p.columns, 2);
  ggml_tensor* output = ggml_mul_mat(graph.context(), weights, columns);
  graph.Allocate();
  const auto w = Store(weights, Normal(random, static_cast<std::size_t>(ggml_nelements(weights))));
  std::vector<float> c = Normal(random, static_cast<std::size_t>(ggml_nelements(columns)));
  if (p.type == GGML_TYPE_Q8_0) {  // what the product rounds to is what is given, whichever way a half is rounded
    std::vector<std::uint8_t> blocks(ggml_row_size(GGML_TYPE_Q8_0, static_cast<std::int64_t>(c.size())));
    ggml_quantize_chunk(GGML_TYPE_Q8_0, c.data(), blocks.data(), 0, 2 * p.columns, p.inner, nullptr);
    ggml_get_type_traits(GGML_TYPE_Q8_0)->to_float(blocks.data(), c.data(), static_cast<std::int64_t>(c.size()));
  }
  ggml_backend_tensor_set(columns, c.data(), 0, ggml_nbytes(columns));
  const auto got = graph.Compute(output);
  double worst = 0;
  for (std::int64_t j = 0; j < 2 * p.columns; ++j) {
    for (std::int64_t i = 0; i < p.rows; ++i) {
      double sum = 0;
      for (std::int64_t l = 0; l < p.inner; ++l) {
        sum += static_cast<double>(w[i * p.inner + l]) * c[j * p.inner + l];
      }
      worst = std::max(worst, std::abs(sum - got[j * p.rows + i]));
    }
  }
  // Products of normal numbers: a sum is about the root of `inner`. Halves are multiplied as numbers of 14 bits, and
  // where no instruction multiplies bytes columns for Q8_0 are taken with 16.
  const bool halves = p.type == GGML_TYPE_F16 || p.type == GGML_TYPE_BF16;
  const double share = halves ? 7e-4 : p.type == GGML_TYPE_Q8_0 ? 1.5e-4 : 2e-5;
  EXPECT_LT(worst, share * std::sqrt(static_cast<double>(p.inner)));
}

struct Outward {
  std::vector<float> weights;  // what their type keeps of them
  std::vector<float> products;
};

// Products of a context that multiplies outward: of `given`, rows of `inner` values, with `columns`.
Outward MultiplyOutward(ggml_type type, std::int64_t inner, const std::vector<float>& given,
                        const std::vector<float>& columns) {
  CpuGraph graph(true);
  const auto rows_of = [inner](const auto& values) { return static_cast<std::int64_t>(values.size()) / inner; };
  ggml_tensor* left = ggml_new_tensor_2d(graph.context(), type, inner, rows_of(given));
  ggml_tensor* right = ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, inner, rows_of(columns));
  ggml_tensor* output = ggml_mul_mat(graph.context(), left, right);
  graph.Allocate();
  Outward found;
  found.weights = Store(left, given);
  Store(right, columns);
  found.products = graph.Compute(output);
  return found;
}

// What numbers of 14 bits lose, against what is lost where columns are rounded to F16.
TEST(OutwardProducts, OfHalvesLoseLessThanColumnsInF16) {
  constexpr std::int64_t kRows = 64;
  constexpr std::int64_t kInner = 768;
  constexpr std::int64_t kColumns = 40;
  for (const ggml_type type : {GGML_TYPE_F16, GGML_TYPE_BF16}) {
    std::mt19937 random(17);
    auto given = Normal(random, kRows * kInner);
    for (float& value : given) value *= 0.05F;
    const auto c = Normal(random, kColumns * kInner);
    const auto [w, got] = MultiplyOutward(type, kInner, given, c);
    double lost = 0;
    double lost_in_f16 = 0;
    for (std::int64_t j = 0; j < kColumns; ++j) {
      for (std::int64_t i = 0; i < kRows; ++i) {
        double exact = 0;
        double rounded = 0;
        for (std::int64_t l = 0; l < kInner; ++l) {
          const double weight = w[static_cast<std::size_t>(i * kInner + l)];
          const float value = c[static_cast<std::size_t>(j * kInner + l)];
          exact += weight * value;
          rounded += weight * ggml_fp16_to_fp32(ggml_fp32_to_fp16(value));
        }
        lost += std::pow(got[static_cast<std::size_t>(j * kRows + i)] - exact, 2);
        lost_in_f16 += std::pow(rounded - exact, 2);
      }
    }
    EXPECT_LT(lost, 0.6 * lost_in_f16) << ggml_type_name(type);
  }
}

// A column that holds something not finite spoils itself alone; sizes at the ends of a float's range are no matter.
TEST(OutwardProducts, OfHalvesTakeColumnsOfAnySize) {
  constexpr std::int64_t kRows = 32;
  constexpr std::int64_t kInner = 64;
  for (const ggml_type type : {GGML_TYPE_F16, GGML_TYPE_BF16}) {
    std::mt19937 random(23);
    auto given = Normal(random, kRows * kInner);
    std::fill_n(given.begin(), kInner, 0.0F);
    std::fill_n(given.begin() + kInner, kInner, type == GGML_TYPE_F16 ? 6e-8F : 1e-29F);
    std::fill_n(given.begin() + 2 * kInner, kInner, type == GGML_TYPE_F16 ? 65504.0F : 1e30F);
    auto c = Normal(random, 7 * kInner);
    const std::array<float, 7> sizes = {1, 1e-30F, 1e5F, 0, 1, 1, 1e-33F};
    for (std::size_t at = 0; at < c.size(); ++at) c[at] *= sizes.at(at / kInner);
    c[4 * kInner + 3] = std::numeric_limits<float>::quiet_NaN();
    c[5 * kInner + 40] = std::numeric_limits<float>::infinity();
    const auto [w, got] = MultiplyOutward(type, kInner, given, c);
    for (std::size_t j = 0; j < 7; ++j) {
      for (std::size_t i = 0; i < kRows; ++i) {
        const float value = got[j * kRows + i];
        if (j == 4 || j == 5) {
          EXPECT_FALSE(std::isfinite(value)) << "row " << i << ", column " << j;
          continue;
        }
        double exact = 0;
        double size = 0;
        for (std::size_t l = 0; l < kInner; ++l) {
          const double product = static_cast<double>(w[i * kInner + l]) * c[j * kInner + l];
          exact += product;
          size += std::abs(product);
        }
        EXPECT_NEAR(value, exact, 1e-3 * size + 1e-36) << "row " << i << ", column " << j;
      }
    }
  }
}

// The most that whole numbers can add up to: everything as large as it can be, of one sign or of two, alone in its
// block or not.
TEST(OutwardProducts, OfHalvesFitTheirSumsAtTheGreatest) {
  constexpr std::int64_t kRows = 16;
  constexpr std::int64_t kInner = 192;
  constexpr std::array<std::int64_t, 6> kEvery = {
      1, 2, 3, 16, 33, 64};  // of a column's values, how far those that are not zero are apart
  for (const ggml_type type : {GGML_TYPE_F16, GGML_TYPE_BF16}) {
    for (const float sign : {1.0F, -1.0F}) {
      std::vector<float> given(kRows * kInner, 0.99951171875F);  // F16's greatest below one: all bits are set
      std::vector<float> c;
      for (const std::int64_t every : kEvery) {
        for (std::int64_t l = 0; l < kInner; ++l) c.push_back(l % every == 0 ? sign : 0.0F);
      }
      const auto [w, got] = MultiplyOutward(type, kInner, given, c);
      for (std::size_t j = 0; j < kEvery.size(); ++j) {
        double exact = 0;
        for (std::size_t l = 0; l < kInner; ++l) exact += static_cast<double>(w[l]) * c[j * kInner + l];
        EXPECT_NEAR(got[j * kRows], exact, 2e-4 * std::abs(exact))
            << ggml_type_name(type) << ", every " << kEvery.at(j);
      }
    }
  }
}

TEST(OutwardProducts, OfAColumnAreTheSameBesideAnyOthers) {
  constexpr std::int64_t kRows = 64;
  constexpr std::int64_t kInner = 448;
  constexpr std::int64_t kMost = 131;
  for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0}) {
    std::mt19937 random(9);
    const std::vector<float> matrix = Normal(random, kRows * kInner);
    const std::vector<float> given = Normal(random, kInner * kMost);
    const auto product = [&](std::int64_t n) {
      return MultiplyOutward(type, kInner, matrix, {given.begin(), given.begin() + n * kInner}).products;
    };
    const std::vector<float> all = product(kMost);
    for (const std::int64_t n : {1, 2, 11, 12, 48, 100}) {
      const std::vector<float> some = product(n);
      EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << ggml_type_name(type) << ", " << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, OutwardProduct, testing::ValuesIn([] {
                           std::vector<Product> products;
                           for (const ggml_type type : {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q8_0}) {
                             for (const std::int64_t columns : {1, 2, 11, 13, 48, 53, 131})
                               products.push_back({type, 96, columns, 448});
                             products.push_back({type, 32, 64, 64});
                             products.push_back({type, 64, 50, 1152});
                             products.push_back({type, 384, 120, 1536});
                             if (type != GGML_TYPE_Q8_0)
                               products.push_back({type, 48, 50, 112});  // half a tile of rows, half a block of steps
                             // Not whole vectors of rows: a dot product each, to which F16 rounds its columns.
                             if (type != GGML_TYPE_F16 && type != GGML_TYPE_BF16)
                               products.push_back({type, 40, 64, 128});
                           }
                           return products;
                         }()),
                         [](const auto& shape) {
                           return std::string(ggml_type_name(shape.param.type)) + "_" +
                                  std::to_string(shape.param.rows) + "_" + std::to_string(shape.param.columns) + "_" +
                                  std::to_string(shape.param.inner);
                         });

class QuantisedProduct : public testing::TestWithParam<ggml_type> {};

// A batch goes through other code than one column; both have to give the same product.
TEST_P(QuantisedProduct, IsTheSameForABatchAndForOneColumn) {
  constexpr std::int64_t kInner = 768;
  constexpr std::int64_t kRows = 40;
  constexpr std::int64_t kColumns = 37;
  std::mt19937 random(11);
  const auto weights = Normal(random, kInner * kRows);
  const auto columns = Normal(random, kInner * kColumns);
  const auto multiply = [&](const std::vector<float>& right) {
    CpuGraph graph;
    ggml_tensor* matrix = ggml_new_tensor_2d(graph.context(), GetParam(), kInner, kRows);
    ggml_tensor* batch =
        ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, kInner, static_cast<std::int64_t>(right.size()) / kInner);
    ggml_tensor* product = ggml_mul_mat(graph.context(), matrix, batch);
    graph.Allocate();
    Store(matrix, weights);
    Store(batch, right);
    return graph.Compute(product);
  };
  const auto whole = multiply(columns);
  for (std::int64_t column = 0; column < kColumns; ++column) {
    const auto* start = columns.data() + column * kInner;
    const auto one = multiply({start, start + kInner});
    for (std::int64_t row = 0; row < kRows; ++row) {
      ASSERT_NEAR(one[row], whole[column * kRows + row], 1e-4) << "row " << row << ", column " << column;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, QuantisedProduct, testing::Values(GGML_TYPE_Q6_K, GGML_TYPE_Q4_K, GGML_TYPE_IQ4_XS),
                         [](const auto& type) { return std::string(ggml_type_name(type.param)); });

struct Repacked {
  ggml_type type;
  std::int64_t rows;
  std::int64_t inner;
};

class RepackedProduct : public testing::TestWithParam<Repacked> {
 protected:
  // Weights of any bits, with finite scales: the largest weights, scales and mins that a file can hold are among them.
  static std::vector<std::uint8_t> AnyWeights(std::mt19937& random, ggml_type type, std::int64_t rows,
                                              std::int64_t inner) {
    std::vector<std::uint8_t> data(ggml_row_size(type, inner) * static_cast<std::size_t>(rows));
    std::ranges::generate(data, [&] { return static_cast<std::uint8_t>(random()); });
    const std::size_t block = ggml_type_size(type);
    for (std::size_t start = 0; start < data.size(); start += block) {
      if (random() % 4 == 0)
        std::fill_n(data.begin() + static_cast<std::ptrdiff_t>(start), block, random() % 2 ? 0xff : 0x7f);
      const auto store = [&](std::size_t at) {
        const ggml_fp16_t scale = ggml_fp32_to_fp16(0.001F * static_cast<float>(random() % 100));
        std::memcpy(data.data() + start + at, &scale, sizeof(scale));
      };
      if (type == GGML_TYPE_Q4_K || type == GGML_TYPE_Q4_1) {
        store(0);
        store(2);
      } else {
        store(type == GGML_TYPE_Q6_K ? block - 2 : 0);
      }
    }
    return data;
  }

  // What the product should be, with columns as Q8_0 rounds them: rows x columns.
  static std::vector<double> Exact(ggml_type type, std::int64_t rows, std::int64_t inner,
                                   const std::vector<std::uint8_t>& weights, const std::vector<float>& columns) {
    std::vector<float> w(static_cast<std::size_t>(rows * inner));
    ggml_get_type_traits(type)->to_float(weights.data(), w.data(), rows * inner);
    const std::int64_t n = static_cast<std::int64_t>(columns.size()) / inner;
    std::vector<std::uint8_t> blocks(ggml_row_size(GGML_TYPE_Q8_0, inner) * static_cast<std::size_t>(n));
    ggml_quantize_chunk(GGML_TYPE_Q8_0, columns.data(), blocks.data(), 0, n, inner, nullptr);
    std::vector<float> c(columns.size());
    ggml_get_type_traits(GGML_TYPE_Q8_0)->to_float(blocks.data(), c.data(), n * inner);
    std::vector<double> product(static_cast<std::size_t>(rows * n));
    for (std::int64_t column = 0; column < n; ++column) {
      for (std::int64_t row = 0; row < rows; ++row) {
        double sum = 0;
        for (std::int64_t at = 0; at < inner; ++at) {
          sum += static_cast<double>(w[static_cast<std::size_t>(row * inner + at)]) *
                 c[static_cast<std::size_t>(column * inner + at)];
        }
        product[static_cast<std::size_t>(column * rows + row)] = sum;
      }
    }
    return product;
  }
};

// Weights that are laid out anew, against those that lie as in the file: whole numbers within a block, so that what
// differs is the order of a few additions. A batch and one column give the same bits.
TEST_P(RepackedProduct, EqualsThatOfTheFilesLayoutForAnyBatch) {
  const auto [type, rows, inner] = GetParam();
  std::mt19937 random(29);
  const auto weights = AnyWeights(random, type, rows, inner);
  const auto multiply = [&](const std::vector<float>& right, bool repacked) {
    CpuGraph graph;
    const ggml_context_ptr context{
        ggml_init({.mem_size = 4 * ggml_tensor_overhead(), .mem_buffer = nullptr, .no_alloc = true})};
    ggml_tensor* matrix = ggml_new_tensor_2d(context.get(), type, inner, rows);
    const ggml_backend_buffer_ptr buffer{ggml_backend_alloc_ctx_tensors_from_buft(
        context.get(), repacked ? RepackBuffers() : ggml_backend_cpu_buffer_type())};
    ggml_backend_tensor_set(matrix, weights.data(), 0, weights.size());
    ggml_tensor* batch =
        ggml_new_tensor_2d(graph.context(), GGML_TYPE_F32, inner, static_cast<std::int64_t>(right.size()) / inner);
    ggml_tensor* product = ggml_mul_mat(graph.context(), matrix, batch);
    graph.Allocate();
    Store(batch, right);
    return graph.Compute(product);
  };
  constexpr std::int64_t kColumns = 77;
  auto columns = Normal(random, static_cast<std::size_t>(inner * kColumns));
  // Activations that are all the largest: of one sign, and of both.
  std::fill_n(columns.begin(), inner, 3.0F);
  std::fill_n(columns.begin() + inner, inner, -3.0F);
  for (std::int64_t at = 0; at < inner; ++at) columns[static_cast<std::size_t>(2 * inner + at)] = at % 3 ? 5.0F : -5.0F;
  const auto of = [&](std::int64_t count) {
    return std::vector<float>(columns.begin(), columns.begin() + count * inner);
  };
  const auto whole = multiply(columns, true);
  const auto plain = multiply(columns, false);
  double greatest = 0;
  for (const float value : plain) greatest = std::max(greatest, std::abs(static_cast<double>(value)));
  // In the file's layout a column of Q4_1 brings its sums in F16.
  const double tolerance = type == GGML_TYPE_Q4_1 ? 1e-3 : 1e-5;
  for (std::size_t at = 0; at < whole.size(); ++at) ASSERT_NEAR(whole[at], plain[at], tolerance * greatest) << at;
  if (type == GGML_TYPE_Q4_1) {
    const auto exact = Exact(type, rows, inner, weights, columns);
    // a value between two may be rounded either way
    for (std::size_t at = 0; at < whole.size(); ++at) ASSERT_NEAR(whole[at], exact[at], 1e-4 * greatest) << at;
  }
  for (const std::int64_t count : {1, 2, 3, 4, 5, 7, 8, 11, 12, 64, 67, 72}) {
    const auto some = multiply(of(count), true);
    ASSERT_TRUE(std::equal(some.begin(), some.end(), whole.begin())) << count << " columns";
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RepackedProduct, testing::ValuesIn([] {
                           std::vector<Repacked> shapes;
                           for (const ggml_type type : {GGML_TYPE_Q4_K, GGML_TYPE_Q6_K}) {
                             shapes.push_back({type, 8, 256});
                             shapes.push_back({type, 40, 768});
                             shapes.push_back({type, 136, 2048});
                             shapes.push_back({type, 16, 33024});  // more blocks than have their factors ready
                           }
                           for (const ggml_type type : {GGML_TYPE_Q8_0, GGML_TYPE_Q4_0, GGML_TYPE_Q4_1})
                             for (const std::int64_t inner : {32, 256, 800, 2048})
                               for (const std::int64_t rows : {16, 32, 144}) shapes.push_back({type, rows, inner});
                           return shapes;
                         }()),
                         [](const auto& shape) {
                           return std::string(ggml_type_name(shape.param.type)) + "_" +
                                  std::to_string(shape.param.rows) + "_" + std::to_string(shape.param.inner);
                         });

}  // namespace
}  // namespace medinfer
