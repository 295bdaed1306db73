// Assertions of ggml's as errors: on the thread that asks for it (patch 0065), and in the CPU backend's kernels (0066).
#include <ggml-cpp.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "device/assertion_guard.h"
#include "medinfer/backends.h"
#include "support/places.h"

namespace medinfer {
namespace {

constexpr std::int64_t kWidth = 32;
constexpr std::int64_t kRows = 64;
constexpr int kRepeats = 10;

ggml_context_ptr MakeContext() {
  return ggml_context_ptr(ggml_init(
      {.mem_size = 64 * ggml_tensor_overhead() + 4 * ggml_graph_overhead(), .mem_buffer = nullptr, .no_alloc = true}));
}

TEST(AssertionGuard, TurnsAnAssertionIntoText) {
  const ggml_context_ptr context = MakeContext();
  ggml_tensor* tensor = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, kWidth);
  const auto text = Attempt([&] { ggml_reshape_1d(context.get(), tensor, kWidth + 1); });
  ASSERT_TRUE(text.has_value());
  EXPECT_NE(text->find("GGML_ASSERT("), std::string::npos) << *text;
  EXPECT_EQ(Attempt([&] { ggml_reshape_1d(context.get(), tensor, kWidth); }), std::nullopt);
}

TEST(AssertionGuard, Nests) {
  const ggml_context_ptr context = MakeContext();
  ggml_tensor* tensor = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, kWidth);
  const auto assert_something = [&] { ggml_reshape_1d(context.get(), tensor, kWidth + 1); };
  const auto outer = Attempt([&] {
    EXPECT_TRUE(Attempt(assert_something).has_value());
    assert_something();
  });
  EXPECT_TRUE(outer.has_value());
}

TEST(AssertionGuardDeathTest, LeavesOtherCallersAsTheyWere) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  setenv("GGML_NO_BACKTRACE", "1", 1);  // which starts a debugger
  const ggml_context_ptr context = MakeContext();
  ggml_tensor* tensor = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, kWidth);
  {
    const AssertionGuard guard;
  }
  EXPECT_DEATH(ggml_reshape_1d(context.get(), tensor, kWidth + 1), "GGML_ASSERT");
}

// Graphs that take rows of a matrix and normalise them, on so many threads of one pool.
class FailingGraph : public testing::TestWithParam<int> {
 protected:
  FailingGraph() {
    const Status backends = InitBackends(places::kBackends);
    if (!backends.ok()) throw std::runtime_error(backends.message());
    backend_.reset(ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, nullptr));
    auto* registry = ggml_backend_dev_backend_reg(ggml_backend_get_device(backend_.get()));
    const auto set_threads = reinterpret_cast<ggml_backend_set_n_threads_t>(
        ggml_backend_reg_get_proc_address(registry, "ggml_backend_set_n_threads"));
    set_threads(backend_.get(), GetParam());
    context_ = MakeContext();
    matrix_ = ggml_new_tensor_2d(context_.get(), GGML_TYPE_F32, kWidth, kRows);
    rows_ = ggml_new_tensor_1d(context_.get(), GGML_TYPE_I32, kRows);
    good_ = Graph(1e-5F);
    bad_epsilon_ = Graph(-1);
    buffer_.reset(ggml_backend_alloc_ctx_tensors(context_.get(), backend_.get()));
    std::vector<float> values;
    for (std::int64_t i = 0; i < kWidth * kRows; ++i) values.push_back(static_cast<float>(i % kWidth));
    ggml_backend_tensor_set(matrix_, values.data(), 0, ggml_nbytes(matrix_));
    SetRow(kRows - 1, 0);
  }

  // All rows are the first but one.
  void SetRow(std::int64_t at, std::int32_t row) {
    std::vector<std::int32_t> rows(kRows, 0);
    rows[static_cast<std::size_t>(at)] = row;
    ggml_backend_tensor_set(rows_, rows.data(), 0, ggml_nbytes(rows_));
  }

  ggml_status Compute(ggml_cgraph* graph) { return ggml_backend_graph_compute(backend_.get(), graph); }

  // The largest value of a normalised row, which all of the good graph's rows have.
  void ExpectRight() {
    ASSERT_EQ(Compute(good_), GGML_STATUS_SUCCESS);
    const ggml_tensor* result = ggml_graph_node(good_, -1);
    std::vector<float> values(kWidth * kRows);
    ggml_backend_tensor_get(result, values.data(), 0, ggml_nbytes(result));
    for (std::int64_t row = 0; row < kRows; ++row) {
      ASSERT_NEAR(values[static_cast<std::size_t>(row * kWidth + kWidth - 1)], 1.678744, 1e-4) << row;
    }
  }

  ggml_cgraph* good_ = nullptr;
  ggml_cgraph* bad_epsilon_ = nullptr;

 private:
  ggml_cgraph* Graph(float epsilon) {
    ggml_tensor* taken = ggml_get_rows(context_.get(), matrix_, rows_);
    ggml_tensor* normal = ggml_norm(context_.get(), taken, 1e-5F);
    std::memcpy(static_cast<void*>(normal->op_params), &epsilon, sizeof(epsilon));  // ggml_norm would refuse it
    ggml_tensor* result = ggml_scale(context_.get(), normal, 1);
    ggml_cgraph* graph = ggml_new_graph(context_.get());
    ggml_build_forward_expand(graph, result);
    return graph;
  }

  ggml_backend_ptr backend_;
  ggml_context_ptr context_;
  ggml_backend_buffer_ptr buffer_;
  ggml_tensor* matrix_ = nullptr;
  ggml_tensor* rows_ = nullptr;
};

TEST_P(FailingGraph, WhereAllThreadsAssert) {
  for (int i = 0; i < kRepeats; ++i) {
    ASSERT_EQ(Compute(bad_epsilon_), GGML_STATUS_FAILED);
    ASSERT_NO_FATAL_FAILURE(ExpectRight());
  }
}

TEST_P(FailingGraph, WhereOneThreadAsserts) {
  for (int i = 0; i < kRepeats; ++i) {
    SetRow(i % kRows, kRows);  // no such row
    ASSERT_EQ(Compute(good_), GGML_STATUS_FAILED);
    SetRow(i % kRows, 1);
    ASSERT_NO_FATAL_FAILURE(ExpectRight());
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, FailingGraph, testing::Values(1, 2, 3));

}  // namespace
}  // namespace medinfer
