// Attention of queries that all see all cells, on threads that multiply outward: with AVX2 in whole numbers, see
// native/patches, elsewhere in F32. Against softmax in double precision.
#include <ggml-cpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support/cpu_graph.h"

namespace medinfer {
namespace {

struct Shape {
  const char* name;
  std::int64_t head_size;
  std::int64_t value_size;
  std::int64_t heads;
  std::int64_t kv_heads;
  std::int64_t queries;
  std::int64_t cells;
  float spread = 1;  // of queries and keys: the greater, the fewer cells have all the weight
};

struct Inputs {
  std::vector<float> q;  // heads x queries x head_size
  std::vector<float> k;  // cells x kv_heads x head_size, and so on
  std::vector<float> v;
};

Inputs RandomInputs(const Shape& s) {
  std::mt19937 random(11);
  const auto normal = [&](std::int64_t count, float spread) {
    std::vector<float> values = Normal(random, static_cast<std::size_t>(count));
    for (float& value : values) value *= spread;
    return values;
  };
  return {normal(s.heads * s.queries * s.head_size, s.spread), normal(s.cells * s.kv_heads * s.head_size, s.spread),
          normal(s.cells * s.kv_heads * s.value_size, 1)};
}

// queries x heads x value_size
std::vector<float> Attend(const Shape& s, const Inputs& inputs) {
  CpuGraph graph(/*outward=*/true);
  ggml_context* context = graph.context();
  ggml_tensor* query = ggml_new_tensor_3d(context, GGML_TYPE_F32, s.head_size, s.queries, s.heads);
  ggml_tensor* key = ggml_new_tensor_3d(context, GGML_TYPE_F32, s.head_size, s.kv_heads, s.cells);
  ggml_tensor* value = ggml_new_tensor_3d(context, GGML_TYPE_F32, s.value_size, s.kv_heads, s.cells);
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(s.head_size)));
  ggml_tensor* output = ggml_flash_attn_ext(context, query, ggml_permute(context, key, 0, 2, 1, 3),
                                            ggml_permute(context, value, 0, 2, 1, 3), nullptr, scale, 0, 0);
  ggml_prec_set_acc(output, GGML_PREC_F32);
  graph.Allocate();
  Store(query, inputs.q);
  Store(key, inputs.k);
  Store(value, inputs.v);
  return graph.Compute(output);
}

std::vector<double> InDoublePrecision(const Shape& s, const Inputs& inputs) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < s.queries; ++i) {
    for (std::int64_t h = 0; h < s.heads; ++h) {
      const std::int64_t kv_head = h / (s.heads / s.kv_heads);
      std::vector<double> scores(static_cast<std::size_t>(s.cells));
      for (std::int64_t cell = 0; cell < s.cells; ++cell) {
        const float* k = inputs.k.data() + (cell * s.kv_heads + kv_head) * s.head_size;
        const float* q = inputs.q.data() + (h * s.queries + i) * s.head_size;
        for (std::int64_t d = 0; d < s.head_size; ++d) scores[cell] += static_cast<double>(q[d]) * k[d];
        scores[cell] /= std::sqrt(static_cast<double>(s.head_size));
      }
      const double greatest = *std::ranges::max_element(scores);
      std::vector<double> sum(static_cast<std::size_t>(s.value_size));
      double total = 0;
      for (std::int64_t cell = 0; cell < s.cells; ++cell) {
        const double weight = std::exp(scores[cell] - greatest);
        total += weight;
        const float* v = inputs.v.data() + (cell * s.kv_heads + kv_head) * s.value_size;
        for (std::int64_t d = 0; d < s.value_size; ++d) sum[d] += weight * v[d];
      }
      for (const double each : sum) all.push_back(each / total);
    }
  }
  return all;
}

// How far `got` is from `expected`, in lengths of that.
double Distance(const std::vector<float>& got, const std::vector<double>& expected) {
  double apart = 0;
  double length = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    apart += (got[i] - expected[i]) * (got[i] - expected[i]);
    length += expected[i] * expected[i];
  }
  return std::sqrt(apart / length);
}

class UnmaskedAttention : public testing::TestWithParam<Shape> {};

TEST_P(UnmaskedAttention, IsWithinSomeTenThousandthsOfDoublePrecision) {
  const Inputs inputs = RandomInputs(GetParam());
  const auto got = Attend(GetParam(), inputs);
  const auto expected = InDoublePrecision(GetParam(), inputs);
  ASSERT_EQ(got.size(), expected.size());
  EXPECT_LT(Distance(got, expected), 5e-4);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, UnmaskedAttention,
    testing::Values(Shape{"siglip", 72, 72, 2, 2, 130, 196},  //
                    Shape{"clip", 64, 64, 3, 3, 577, 577},    //
                    Shape{"one_tile", 64, 64, 1, 1, 64, 64}, Shape{"odd_cells", 80, 80, 2, 2, 67, 131},
                    Shape{"one_cell", 32, 32, 2, 2, 70, 1}, Shape{"narrow", 8, 8, 2, 2, 90, 90},
                    Shape{"wide", 256, 256, 1, 1, 66, 100}, Shape{"values_of_another_size", 64, 40, 2, 2, 80, 80},
                    Shape{"shared_keys", 64, 64, 4, 2, 100, 90}, Shape{"odd_head", 36, 36, 2, 2, 90, 90},
                    Shape{"even", 64, 64, 2, 2, 100, 300, 0.01F}, Shape{"one_cell_has_all", 64, 64, 2, 2, 100, 300, 3}),
    [](const auto& shape) { return std::string(shape.param.name); });

constexpr Shape kShape{"", 64, 64, 1, 1, 70, 130};

// Sums of whole numbers would not fit if any bound were a little greater.
TEST(UnmaskedAttentions, FitTheirSumsAtTheGreatest) {
  for (const float sign : {1.0F, -1.0F}) {
    Inputs inputs = RandomInputs(kShape);
    std::ranges::fill(inputs.q, 0.5F);
    std::ranges::fill(inputs.k, sign);
    std::ranges::fill(inputs.v, sign * 3);
    for (const float each : Attend(kShape, inputs)) ASSERT_NEAR(each, sign * 3, 1e-3);
  }
}

TEST(UnmaskedAttentions, OfNothingAreNothing) {
  Inputs inputs = RandomInputs(kShape);
  std::ranges::fill(inputs.q, 0.0F);
  std::ranges::fill(inputs.k, 0.0F);
  const auto mean = Attend(kShape, inputs);
  EXPECT_LT(Distance(mean, InDoublePrecision(kShape, inputs)), 5e-4);
  std::ranges::fill(inputs.v, 0.0F);
  for (const float each : Attend(kShape, inputs)) ASSERT_EQ(each, 0);
}

// Cells late and early, far below and far above all others, so that earlier sums shrink to nothing, or later shares do.
TEST(UnmaskedAttentions, HoldWhereATileHasNoShareAtAll) {
  for (const std::int64_t great : {std::int64_t{2}, kShape.cells - 2}) {
    Inputs inputs = RandomInputs(kShape);
    std::ranges::fill(inputs.q, 1.0F);
    std::ranges::fill(inputs.k, -2.0F);
    std::fill_n(inputs.k.begin() + great * kShape.head_size, kShape.head_size, 20.0F);
    EXPECT_LT(Distance(Attend(kShape, inputs), InDoublePrecision(kShape, inputs)), 5e-4);
  }
}

TEST(UnmaskedAttentions, OfWhatIsNotFiniteAreNotANumber) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float wrong : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
    Inputs values = RandomInputs(kShape);
    values.v[100 * kShape.value_size] = wrong;
    const auto of_values = Attend(kShape, values);
    for (std::int64_t i = 0; i < kShape.queries; ++i) EXPECT_FALSE(std::isfinite(of_values[i * kShape.value_size]));
    Inputs queries = RandomInputs(kShape);
    queries.q[5 * kShape.head_size] = wrong;
    const auto of_queries = Attend(kShape, queries);
    EXPECT_FALSE(std::isfinite(of_queries[5 * kShape.value_size]));
    // and no other query
    EXPECT_TRUE(std::isfinite(of_queries[6 * kShape.value_size]));
    EXPECT_TRUE(std::isfinite(of_queries[4 * kShape.value_size]));
  }
}

}  // namespace
}  // namespace medinfer
