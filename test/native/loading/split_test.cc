// A model on two devices: how it is divided, and that it says the same.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "device/placement.h"
#include "loading/place_model.h"
#include "model/decoder.h"
#include "model/model.h"
#include "support/engine_harness.h"
#include "support/remote_device.h"
#include "support/vision_models.h"

namespace medinfer {
namespace {

using testing::Loaded;
using testing::LoadEngineF16;
using testing::RandomFile;
using testing::RandomModel;
using testing::RemoteDevices;
using testing::TextsOf;

constexpr std::int32_t kLayers = 3;  // RandomModel's; the output makes four

class Split : public ::testing::Test {
 protected:
  static LoadOptions Options(SplitMode mode, std::vector<float> shares) {
    LoadOptions options;
    options.model_path = RandomModel();
    options.device = Device::kCuda;
    options.n_gpu_layers = kLayers + 1;
    options.split_mode = mode;
    options.tensor_split = std::move(shares);
    options.n_ctx = 512;
    options.kv_type = KvType::kF16;
    options.n_threads = 1;
    return options;
  }

  static Loaded OnGpus(SplitMode mode, std::vector<float> shares, std::uint32_t main_gpu = 0,
                       std::int32_t layers = kLayers + 1) {
    return LoadEngineF16(RandomModel(), [&](LoadOptions& options) {
      options = Options(mode, std::move(shares));
      options.n_gpu_layers = layers;
      options.main_gpu = main_gpu;
    });
  }

  static Status RefusalOf(const LoadOptions& options) {
    const auto engine = Engine::Load(options, [](float) { return true; }, std::make_shared<testing::Recorder>());
    return engine.ok() ? Status() : engine.status();
  }

  const RemoteDevices gpus_{2};
};

std::string ReadFile(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

struct Shares {
  std::vector<float> given;
  std::vector<std::uint64_t> layers;  // that each device gets, without the output
};

TEST_F(Split, GivesEachDeviceItsLayersAndIsMeasuredAsItIsAllocated) {
  const std::vector<Shares> cases = {{{1, 1}, {2, 1}}, {{3, 1}, {3, 0}}, {{0, 1}, {0, 3}}, {{1, 0}, {3, 0}}};
  for (const auto& [given, layers] : cases) {
    SCOPED_TRACE(std::to_string(given[0]) + " : " + std::to_string(given[1]));
    const LoadOptions options = Options(SplitMode::kLayer, given);
    const Placement placement{gpus_.list(), kLayers + 1, 0, ""};
    const auto measured = MeasureModel(options, placement);
    ASSERT_TRUE(measured.ok()) << measured.status().message();

    auto model = Model::Load(options, placement, [](float) { return true; });
    ASSERT_TRUE(model.ok()) << model.status().message();
    const KvPool pool(PoolOptions(options));
    const auto decoder = Decoder::Create(*model.value(), options, options.n_ctx, pool, [] { return false; });
    ASSERT_TRUE(decoder.ok()) << decoder.status().message();
    const std::vector<DeviceMemory> allocated = decoder.value()->Memory(placement.devices);

    ASSERT_EQ(measured.value().size(), 3U);
    const std::uint64_t kv = allocated[0].kv + allocated[1].kv;
    for (std::size_t i = 0; i < gpus_.list().size(); ++i) {
      const DeviceMemory& outlined = measured.value()[i];
      EXPECT_EQ(outlined.device, ggml_backend_dev_name(gpus_[i]));
      EXPECT_EQ(outlined.weights, allocated[i].weights) << i;
      EXPECT_EQ(outlined.kv, allocated[i].kv) << i;
      // Where a pass goes from one device to the next, ggml's measurement can exceed what ggml then takes.
      EXPECT_GE(outlined.compute, allocated[i].compute) << i;
      if (layers[1 - i] == 0) {
        EXPECT_EQ(outlined.compute, allocated[i].compute) << i;
      }
      EXPECT_EQ(allocated[i].kv * kLayers, kv * layers[i]) << i;
    }
  }
}

TEST_F(Split, SaysTheSameHoweverItIsDivided) {
  const std::vector<std::string> wanted = TextsOf(LoadEngineF16(RandomModel()));
  const std::vector<std::pair<std::vector<float>, std::int32_t>> cases = {
      {{}, kAutoLayers}, {{1, 1}, kLayers + 1}, {{1, 1}, kLayers - 1}, {{3, 1}, kLayers + 1}, {{0, 1}, kAutoLayers}};
  for (const auto& [shares, layers] : cases) {
    const Loaded loaded = OnGpus(SplitMode::kLayer, shares, 0, layers);
    EXPECT_EQ(TextsOf(loaded), wanted) << shares.size() << " shares, " << layers << " layers";
    const std::vector<DeviceMemory>& memory = loaded.engine->info().memory;
    ASSERT_EQ(memory.size(), 3U);
    EXPECT_GT(memory[1].weights, 0U);
    EXPECT_EQ(memory[0].weights == 0, !shares.empty() && shares[0] == 0);
  }
}

TEST_F(Split, PutsAllOnTheMainGpu) {
  const std::vector<std::string> wanted = TextsOf(LoadEngineF16(RandomModel()));
  for (const std::uint32_t main_gpu : {0U, 1U}) {
    const Loaded loaded = OnGpus(SplitMode::kNone, {}, main_gpu);
    EXPECT_EQ(TextsOf(loaded), wanted);
    ASSERT_EQ(loaded.engine->info().memory.size(), 2U);
    EXPECT_EQ(loaded.engine->info().memory[0].device, ggml_backend_dev_name(gpus_[main_gpu]));
  }
}

TEST_F(Split, PutsTheProjectorOnTheMainGpu) {
  const Loaded loaded = LoadEngineF16(RandomFile("llama"), [&](LoadOptions& options) {
    options.device = Device::kCuda;
    options.main_gpu = 1;
    options.mmproj_path = RandomFile("llava-mmproj");
  });
  const std::vector<DeviceMemory>& memory = loaded.engine->info().memory;
  ASSERT_EQ(memory.size(), 3U);
  EXPECT_EQ(memory[0].projector, 0U);
  EXPECT_GT(memory[1].projector, 0U);
}

TEST_F(Split, SaysTheSameWithAPartOfEveryTensorOnEachDevice) {
  struct Case {
    std::string model;
    std::vector<float> shares;
    std::int32_t layers;
  };
  const std::vector<Case> cases = {
      {RandomModel(), {}, kAutoLayers},
      {RandomModel(), {3, 1}, kLayers + 1},
      {RandomModel(), {0, 1}, kLayers + 1},
      {RandomModel(), {1, 1}, kLayers - 1},
      {RandomFile("llama", "--type f32 --embd 256 --heads 8 --kv-heads 4"), {3, 1}, kAutoLayers},
      {RandomFile("qwen2vl", "--type f32"), {1, 1}, kAutoLayers},
      {RandomFile("gemma3", "--type f32 --window 64"), {1, 1}, kAutoLayers},
  };
  for (const Case& each : cases) {
    const std::vector<std::string> wanted = TextsOf(LoadEngineF16(each.model));
    const Loaded loaded = LoadEngineF16(each.model, [&](LoadOptions& options) {
      options.device = Device::kCuda;
      options.n_gpu_layers = each.layers;
      options.split_mode = SplitMode::kTensor;
      options.tensor_split = each.shares;
    });
    EXPECT_EQ(TextsOf(loaded), wanted) << each.model << ": " << each.shares.size() << " shares, " << each.layers;
  }
}

TEST_F(Split, SwapsCellsThatAreDivided) {
  const auto shape = [](LoadOptions& options) {
    options.batch_size = 8;
    options.n_ctx = 256;
    options.kv_page_size = 16;
    options.kv_prefix_cache = false;
    options.kv_swap_bytes = 1U << 30U;
  };
  const std::vector<std::string> wanted = TextsOf(LoadEngineF16(RandomModel(), shape));
  for (const SplitMode mode : {SplitMode::kLayer, SplitMode::kTensor}) {
    const Loaded loaded = LoadEngineF16(RandomModel(), [&](LoadOptions& options) {
      shape(options);
      options.device = Device::kCuda;
      options.split_mode = mode;
      options.tensor_split = {1, 1};
    });
    EXPECT_EQ(TextsOf(loaded), wanted);
    EXPECT_GT(loaded.engine->stats().kv.tokens_swapped, 0U);
  }
}

// What is known of divided tensors before is an upper bound, but for the few small ones that every device has whole.
TEST_F(Split, MeasuresNoLessThanTensorsTake) {
  constexpr std::uint64_t kWhole = 16U << 10U;
  for (const std::vector<float>& shares : {std::vector<float>{1, 1}, std::vector<float>{3, 1}}) {
    const auto measured =
        MeasureModel(Options(SplitMode::kTensor, shares), Placement{gpus_.list(), kLayers + 1, 0, ""});
    ASSERT_TRUE(measured.ok()) << measured.status().message();
    const Loaded loaded = OnGpus(SplitMode::kTensor, shares);
    const std::vector<DeviceMemory>& allocated = loaded.engine->info().memory;
    ASSERT_EQ(allocated.size(), measured.value().size());
    const auto most = [&](auto of) { return std::max(of(measured.value()[0]), of(measured.value()[1])); };
    for (std::size_t i = 0; i < gpus_.list().size(); ++i) {
      // Of the two devices, llama.cpp tells what the fuller one takes.
      EXPECT_GT(allocated[i].weights, 0U);
      EXPECT_LE(allocated[i].weights, most([](const DeviceMemory& m) { return m.weights; }) + kWhole);
      EXPECT_LE(allocated[i].kv, most([](const DeviceMemory& m) { return m.kv; }));
      EXPECT_LE(allocated[i].compute, most([](const DeviceMemory& m) { return m.compute; }));
    }
  }
}

TEST_F(Split, RefusesWhatCanNotBeDone) {
  LoadOptions options = Options(SplitMode::kRow, {});
  EXPECT_EQ(RefusalOf(options).code(), Code::kInvalidArgument);  // ggml's RPC has none, and its CUDA not any more
  options.device = Device::kAuto;
  options.cuda_backend = "loaded before";
  EXPECT_EQ(RefusalOf(options).code(), Code::kInvalidArgument);
  for (const std::vector<float>& shares :
       {std::vector<float>{1}, std::vector<float>{1, 1, 1}, std::vector<float>{0, 0}}) {
    EXPECT_EQ(RefusalOf(Options(SplitMode::kLayer, shares)).code(), Code::kInvalidArgument) << shares.size();
  }
  options = Options(SplitMode::kNone, {});
  options.main_gpu = 2;
  EXPECT_EQ(RefusalOf(options).code(), Code::kInvalidArgument);
}

TEST_F(Split, RefusesTensorsWithFewerHeadsThanGpus) {
  LoadOptions options = Options(SplitMode::kTensor, {});
  options.model_path = RandomFile("llama", "--type f32 --kv-heads 1");
  EXPECT_EQ(RefusalOf(options).code(), Code::kInvalidArgument);
}

// llama.cpp knows for which architectures it can divide tensors.
TEST_F(Split, RefusesTensorsOfAnArchitectureThatItCanNotDivide) {
  std::string bytes = ReadFile(RandomModel());
  // Every key of the architecture has its name, at the same length.
  for (std::size_t at = bytes.find("llama"); at != std::string::npos; at = bytes.find("llama", at)) {
    bytes.replace(at, 5, "olmo2");
  }
  LoadOptions options = Options(SplitMode::kTensor, {});
  options.model_path = testing::ScratchPath("olmo2.gguf");
  std::ofstream(options.model_path, std::ios::binary) << bytes;
  const auto model = Model::Load(options, Placement{gpus_.list(), kLayers + 1, 0, ""}, [](float) { return true; });
  ASSERT_FALSE(model.ok());
  EXPECT_EQ(model.status().code(), Code::kInvalidArgument) << model.status().message();
}

}  // namespace
}  // namespace medinfer
