// An engine on a device that is no CPU: what a GPU does, as far as it can be seen without one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "device/placement.h"
#include "loading/place_model.h"
#include "model/decoder.h"
#include "model/model.h"
#include "support/engine_harness.h"
#include "support/image_files.h"
#include "support/remote_device.h"
#include "support/vision_models.h"

namespace medinfer {
namespace {

using testing::GreedyRequest;
using testing::Loaded;
using testing::LoadEngineF16;
using testing::RandomModel;
using testing::RemoteDevices;
using testing::TextsOf;

class Offload : public ::testing::Test {
 protected:
  static LoadOptions Options() {
    LoadOptions options;
    options.model_path = RandomModel();
    options.device = Device::kCuda;
    options.n_ctx = 512;
    options.kv_type = KvType::kF16;
    options.n_threads = 1;
    return options;
  }

  std::int32_t LayersAndOutput() const {
    auto model = Model::Outline(Options(), Place(0));
    EXPECT_TRUE(model.ok());
    return static_cast<std::int32_t>(model.value()->Describe().n_layer) + 1;
  }

  Placement Place(std::int32_t n_gpu_layers) const { return {gpus_.list(), n_gpu_layers, 0, ""}; }

  const RemoteDevices gpus_{1};
};

TEST_F(Offload, IsMeasuredFromMetadataAsItIsAllocated) {
  const LoadOptions options = Options();
  std::uint64_t before = 0;
  for (std::int32_t layers = 1; layers <= LayersAndOutput(); ++layers) {
    const Placement placement = Place(layers);
    const auto measured = MeasureModel(options, placement);
    ASSERT_TRUE(measured.ok()) << measured.status().message();
    ASSERT_EQ(measured.value().size(), 2U);
    const DeviceMemory& outlined = measured.value().front();
    EXPECT_GT(outlined.total(), before) << layers;
    before = outlined.total();

    auto model = Model::Load(options, placement, [](float) { return true; });
    ASSERT_TRUE(model.ok()) << model.status().message();
    const KvPool pool(PoolOptions(options));
    const auto decoder = Decoder::Create(*model.value(), options, options.n_ctx, pool, [] { return false; });
    ASSERT_TRUE(decoder.ok()) << decoder.status().message();
    EXPECT_TRUE(decoder.value()->paged());
    EXPECT_TRUE(decoder.value()->finds_likeliest());  // the output is the first that goes there
    const DeviceMemory allocated = decoder.value()->Memory(placement.devices).front();
    EXPECT_EQ(outlined.weights, allocated.weights) << layers;
    EXPECT_EQ(outlined.kv, allocated.kv) << layers;
    EXPECT_EQ(outlined.compute, allocated.compute) << layers;
  }
}

TEST_F(Offload, SaysTheSameWithAnyNumberOfLayers) {
  const auto shape = [](LoadOptions& options) {
    options.batch_size = 4;
    options.n_ctx = 512;
  };
  const std::vector<std::string> wanted = TextsOf(LoadEngineF16(RandomModel(), shape));
  for (const std::int32_t layers : {1, LayersAndOutput() / 2, LayersAndOutput(), kAutoLayers}) {
    const Loaded loaded = LoadEngineF16(RandomModel(), [&](LoadOptions& options) {
      shape(options);
      options.device = Device::kCuda;
      options.n_gpu_layers = layers;
    });
    ASSERT_NE(loaded.engine, nullptr);
    const ModelInfo& info = loaded.engine->info();
    EXPECT_EQ(info.n_gpu_layers, layers == kAutoLayers ? LayersAndOutput() : layers);
    ASSERT_EQ(info.memory.size(), 2U);
    EXPECT_EQ(info.memory[0].device, ggml_backend_dev_name(gpus_[0]));
    EXPECT_GT(info.memory[0].weights, 0U);
    EXPECT_EQ(info.warning, "");
    EXPECT_EQ(TextsOf(loaded), wanted) << layers;
  }
}

// Rows of logits stay on the device only where nobody draws from them.
TEST_F(Offload, DrawsBesideRequestsThatTakeTheLikeliest) {
  const auto texts = [](const Loaded& loaded) {
    std::vector<Request> requests;
    for (int i = 0; i < 12; ++i) {
      Request request = GreedyRequest("Case " + std::to_string(i), 24 + 2 * i);
      if (i % 4 == 1) request.sampling.repeat_penalty = 1.2F;
      if (i % 4 == 2) request.n_probs = 2;
      if (i % 4 == 3) {
        request.sampling.temperature = 0.8F;
        request.sampling.seed = 7;
      }
      if (i == 8) request.n = 2;
      if (i == 4) request.n_predict = 0;
      requests.push_back(std::move(request));
    }
    std::vector<RequestId> ids;
    for (Request& request : requests) {
      const std::uint32_t n = request.n;
      const auto id = loaded.engine->Submit(std::move(request));
      EXPECT_TRUE(id.ok());
      for (std::uint32_t k = 0; k < n; ++k) ids.push_back(id.value() + k);
    }
    std::vector<std::string> seen;
    for (const RequestId id : ids) seen.push_back(loaded.recorder->Wait(id).text);
    return seen;
  };
  const auto wanted = texts(LoadEngineF16(RandomModel()));
  EXPECT_EQ(texts(LoadEngineF16(RandomModel(), [](LoadOptions& options) { options.device = Device::kCuda; })), wanted);
}

TEST_F(Offload, SwapsCellsOfTheDevice) {
  const auto shape = [](LoadOptions& options) {
    options.batch_size = 8;
    options.n_ctx = 256;
    options.kv_page_size = 16;
    options.kv_prefix_cache = false;
    options.kv_swap_bytes = 1U << 30U;
  };
  const Loaded on_cpu = LoadEngineF16(RandomModel(), shape);
  const std::vector<std::string> wanted = TextsOf(on_cpu);
  const Loaded loaded = LoadEngineF16(RandomModel(), [&](LoadOptions& options) {
    shape(options);
    options.device = Device::kCuda;
  });
  EXPECT_EQ(TextsOf(loaded), wanted);
  EXPECT_GT(loaded.engine->stats().kv.tokens_swapped, 0U);
}

TEST_F(Offload, EncodesImagesThereToo) {
  const std::string projector = testing::RandomFile("llava-mmproj");
  const auto embed = [&](Device device) {
    const Loaded loaded = LoadEngineF16(testing::RandomFile("llama"), [&](LoadOptions& options) {
      options.device = device;
      options.mmproj_path = projector;
    });
    const auto id = loaded.engine->EmbedImage(ImageData::Copy(ReadFixture("rgb.png")));
    EXPECT_TRUE(id.ok());
    const auto embedded = std::get<Embedded>(*loaded.recorder->Wait(id.value()).end);
    return std::pair(*embedded.values, loaded.engine->info().memory.front());
  };
  const auto measured = Projector::MeasureMemory(projector, gpus_[0]);
  ASSERT_TRUE(measured.ok());
  const auto [wanted, host] = embed(Device::kCpu);
  const auto [found, memory] = embed(Device::kCuda);
  EXPECT_EQ(memory.device, ggml_backend_dev_name(gpus_[0]));
  EXPECT_EQ(memory.projector, measured.value());
  EXPECT_GT(memory.projector, 0U);
  ASSERT_EQ(found.size(), wanted.size());
  // Each device rounds halves in its own way.
  float greatest = 0;
  for (const float value : wanted) greatest = std::max(greatest, std::abs(value));
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(found[i], wanted[i], 1e-3F * greatest) << i;
}

// A GPU records the graph of a pass, and replays it as long as it stays the same.
TEST_F(Offload, KeepsItsGraphWhileItDecodes) {
  for (const bool gather : {false, true}) {
    const Loaded loaded = LoadEngineF16(RandomModel(), [&](LoadOptions& options) {
      options.device = Device::kCuda;
      options.n_ctx = 1024;
      options.kv_gather = gather;
    });
    const auto id = loaded.engine->Submit(GreedyRequest("Once", 200));
    ASSERT_TRUE(loaded.recorder->Wait(id.value()).done());
    const Stats stats = loaded.engine->stats();
    EXPECT_GE(stats.steps, 200U);
    EXPECT_GE(stats.graphs_reused + 5, stats.steps) << gather;
  }
}

TEST_F(Offload, ChoosesGpusByNumberAndShare) {
  LoadOptions options = Options();
  options.main_gpu = 1;
  EXPECT_EQ(ChooseDevices(options).status().code(), Code::kInvalidArgument);
  options.main_gpu = 0;
  options.tensor_split = {1, 1};
  EXPECT_EQ(ChooseDevices(options).status().code(), Code::kInvalidArgument);
  options.tensor_split = {1};
  options.split_mode = SplitMode::kNone;
  ASSERT_TRUE(ChooseDevices(options).ok());
  EXPECT_EQ(ChooseDevices(options).value().devices, gpus_.list());
}

}  // namespace
}  // namespace medinfer
