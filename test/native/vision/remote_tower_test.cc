// Towers on a device that is no CPU: their inputs lie there, their graphs are computed there, and attention pads heads.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/encode_jobs.h"
#include "support/remote_device.h"
#include "support/vision_models.h"
#include "vision/image_encoder.h"

namespace medinfer {
namespace {

using testing::Card;
using testing::Embedding;
using testing::Image;
using testing::LoadPair;
using testing::MakeEncoder;
using testing::MakeJob;
using testing::Outcomes;
using testing::RemoteDevices;
using testing::VisionPair;

// Greatest difference, over the greatest value.
double Distance(const std::vector<float>& a, const std::vector<float>& b) {
  double greatest = 0;
  double distance = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    greatest = std::max(greatest, std::abs(static_cast<double>(a[i])));
    distance = std::max(distance, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return distance / greatest;
}

class RemoteTowerTest : public ::testing::TestWithParam<const char*> {
 protected:
  const RemoteDevices gpus_{1};
};
INSTANTIATE_TEST_SUITE_P(Families, RemoteTowerTest, ::testing::Values("llava", "qwen2vl", "gemma3", "internvl"),
                         [](const auto& family) { return std::string(family.param); });

TEST_P(RemoteTowerTest, EncodesAsTheCpuDoes) {
  const std::string family = GetParam();
  const VisionPair here = LoadPair(family);
  const VisionPair there = LoadPair(family, "", gpus_[0]);
  Outcomes outcomes_here;
  Outcomes outcomes_there;
  auto encoder_here = MakeEncoder(here, outcomes_here, /*cache_bytes=*/0);
  auto encoder_there = MakeEncoder(there, outcomes_there, /*cache_bytes=*/0);
  for (std::uint32_t i = 0; i < 6; ++i) {
    const ImageFile card = Card(112 + 56 * (i % 3), 112, i);
    const std::vector<float> expected = Embedding(*encoder_here, outcomes_here, i + 1, card);
    const std::vector<float> found = Embedding(*encoder_there, outcomes_there, i + 1, card);
    ASSERT_EQ(found.size(), expected.size());
    EXPECT_LT(Distance(expected, found), 2e-3) << i;
  }
}

}  // namespace
}  // namespace medinfer
