// Queries and keys are turned by angles that a thread keeps from layer to layer: never by those of another position, of
// another rule or of factors that have changed in their place.
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "support/cpu_graph.h"

namespace medinfer {
namespace {

struct Rule {
  std::int64_t head_size = 64;
  int turned = 64;  // of its dimensions
  float base = 10000;
  float scale = 1;
  bool factors = false;
};

constexpr std::int64_t kHeads = 3;

// One layer's turning, of positions that are given anew each time.
class Turning {
 public:
  Turning(const Rule& rule, std::int64_t tokens) : rule_(rule), tokens_(tokens) {
    ggml_context* context = graph_.context();
    x_ = ggml_new_tensor_3d(context, GGML_TYPE_F32, rule.head_size, kHeads, tokens);
    positions_ = ggml_new_tensor_1d(context, GGML_TYPE_I32, tokens);
    if (rule.factors) factors_ = ggml_new_tensor_1d(context, GGML_TYPE_F32, rule.turned / 2);
    result_ = ggml_rope_ext(context, x_, positions_, factors_, rule.turned, GGML_ROPE_TYPE_NORMAL, 4096, rule.base,
                            rule.scale, 0, 1, 32, 1);
    graph_.Allocate();
  }

  // What the threads compute is what the definition says.
  void Check(std::mt19937& random, const std::vector<std::int32_t>& positions) {
    const std::vector<float> x = Store(x_, Normal(random, static_cast<std::size_t>(ggml_nelements(x_))));
    std::vector<float> factors(static_cast<std::size_t>(rule_.turned / 2), 1.0F);
    if (factors_ != nullptr) {
      for (float& factor : factors) factor = std::uniform_real_distribution<float>(1, 4)(random);
      Store(factors_, factors);
    }
    ggml_backend_tensor_set(positions_, positions.data(), 0, ggml_nbytes(positions_));
    const std::vector<float> turned = graph_.Compute(result_);
    for (std::int64_t row = 0; row < kHeads * tokens_; ++row) {
      const auto position = static_cast<float>(positions[static_cast<std::size_t>(row / kHeads)]);
      const std::size_t begin = static_cast<std::size_t>(row * rule_.head_size);
      float theta = position;
      for (int i = 0; i < rule_.head_size; i += 2) {
        const float x0 = x[begin + i];
        const float x1 = x[begin + i + 1];
        float expected0 = x0;
        float expected1 = x1;
        if (i < rule_.turned) {
          const float angle = rule_.scale * (theta / factors[static_cast<std::size_t>(i / 2)]);
          expected0 = x0 * std::cos(angle) - x1 * std::sin(angle);
          expected1 = x0 * std::sin(angle) + x1 * std::cos(angle);
          theta *= std::pow(rule_.base, -2.0F / static_cast<float>(rule_.turned));
        }
        ASSERT_NEAR(turned[begin + i], expected0, 1e-5) << "row " << row << ", dimension " << i;
        ASSERT_NEAR(turned[begin + i + 1], expected1, 1e-5) << "row " << row << ", dimension " << i;
      }
    }
  }

 private:
  Rule rule_;
  std::int64_t tokens_;
  CpuGraph graph_;
  ggml_tensor* x_;
  ggml_tensor* positions_;
  ggml_tensor* factors_ = nullptr;
  ggml_tensor* result_;
};

std::vector<std::int32_t> Positions(std::mt19937& random, std::size_t count, std::int32_t below) {
  std::vector<std::int32_t> positions(count);
  for (std::int32_t& position : positions) position = std::uniform_int_distribution<std::int32_t>(0, below - 1)(random);
  return positions;
}

TEST(RopeAngles, HangOnPositionAndRuleAlone) {
  std::mt19937 random(1);
  // In turn, as the layers of a model and the models of a process have them: more rules than are kept at a time.
  const std::vector<Rule> rules = {{},
                                   {.base = 1e6F},
                                   {.scale = 0.25F},
                                   {.head_size = 128, .turned = 128},
                                   {.head_size = 80, .turned = 32},
                                   {.factors = true}};
  std::vector<std::unique_ptr<Turning>> layers;
  for (const Rule& rule : rules) layers.push_back(std::make_unique<Turning>(rule, 5));
  for (int lap = 0; lap < 40; ++lap) {
    // Positions that were there before, and others in the place of these.
    const auto positions = Positions(random, 5, lap % 2 == 0 ? 8 : 5000);
    for (int repeat = 0; repeat < 2; ++repeat) {
      for (const auto& layer : layers) layer->Check(random, positions);
    }
    layers[static_cast<std::size_t>(lap) % layers.size()]->Check(random, positions);
  }
}

TEST(RopeAngles, ServeMorePositionsThanAreKept) {
  std::mt19937 random(2);
  Turning layer({}, 1500);
  std::vector<std::int32_t> positions(1500);
  for (std::size_t i = 0; i < positions.size(); ++i) positions[i] = static_cast<std::int32_t>(i);
  layer.Check(random, positions);
  layer.Check(random, Positions(random, 1500, 4000));
  layer.Check(random, positions);
}

}  // namespace
}  // namespace medinfer
