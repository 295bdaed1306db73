#include "vision/projector.h"

#include <gtest/gtest.h>
#include <mtmd.h>

#include <cstdint>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "device/cpu_share.h"
#include "support/image_files.h"
#include "support/vision_models.h"

namespace medinfer {
namespace {

using testing::LoadTextModel;
using testing::RandomFile;
using testing::ScratchPath;

class ProjectorTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { model_ = LoadTextModel(RandomFile("llama")).release(); }
  static void TearDownTestSuite() { llama_model_free(model_); }

  static Status Load(const std::string& path, const Projector::ProgressFn& progress = nullptr) {
    const auto projector = Projector::Load(path, model_, {std::make_shared<CpuShare>(1)}, nullptr, progress);
    return projector.ok() ? Status() : projector.status();
  }

  static Status LoadBytes(const std::vector<std::uint8_t>& bytes) {
    const std::string path = ScratchPath("bytes.gguf");
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return Load(path);
  }

  static llama_model* model_;
};
llama_model* ProjectorTest::model_ = nullptr;

TEST_F(ProjectorTest, LoadsWithProgress) {
  float last = 0;
  bool rises = true;
  EXPECT_TRUE(Load(RandomFile("llava-mmproj"), [&](float fraction) {
                rises = rises && fraction >= last;
                last = fraction;
                return true;
              }).ok());
  EXPECT_TRUE(rises);
  EXPECT_FLOAT_EQ(last, 1.0F);
}

TEST_F(ProjectorTest, ProgressCanAbort) {
  EXPECT_EQ(Load(RandomFile("llava-mmproj"), [](float) { return false; }).code(), Code::kAborted);
}

TEST_F(ProjectorTest, MissingFilesAndFoldersAreNotFound) {
  EXPECT_EQ(Load("/nowhere/at/all.gguf").code(), Code::kModelNotFound);
  EXPECT_EQ(Load(ScratchPath(".")).code(), Code::kModelNotFound);
}

TEST_F(ProjectorTest, OtherFilesAreRefused) {
  EXPECT_EQ(LoadBytes({}).code(), Code::kBadMmproj);
  std::mt19937 random(3);
  std::vector<std::uint8_t> noise(5000);
  for (std::uint8_t& byte : noise) byte = static_cast<std::uint8_t>(random());
  EXPECT_EQ(LoadBytes(noise).code(), Code::kBadMmproj);
  for (std::size_t i = 0; i < 4; ++i) noise[i] = static_cast<std::uint8_t>("GGUF"[i]);
  EXPECT_EQ(LoadBytes(noise).code(), Code::kBadMmproj);
}

TEST_F(ProjectorTest, ATextModelIsNoProjector) {
  const Status status = Load(RandomFile("llama"));
  EXPECT_EQ(status.code(), Code::kBadMmproj);
  EXPECT_NE(status.message().find("\"llama\", not a projector"), std::string::npos) << status.message();
}

TEST_F(ProjectorTest, AProjectorOfAnotherModelIsRefused) {
  for (const char* kind : {"llava-mmproj", "qwen2vl-mmproj", "gemma3-mmproj", "internvl-mmproj"}) {
    const Status status = Load(RandomFile(kind, "--out 96"));
    EXPECT_EQ(status.code(), Code::kBadMmproj) << kind;
    EXPECT_NE(status.message().find("96"), std::string::npos) << status.message();
  }
}

TEST_F(ProjectorTest, EveryTruncationIsFound) {
  const std::vector<std::uint8_t> file = ReadFile(RandomFile("llava-mmproj"));
  ASSERT_GT(file.size(), 1000U);
  for (std::size_t i = 0; i < 60; ++i) {
    const std::size_t size = i * (file.size() - 1) / 59;
    const std::vector<std::uint8_t> cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(LoadBytes(cut).code(), Code::kBadMmproj) << size;
  }
}

// What libmtmd would end the process over.
TEST_F(ProjectorTest, ValuesThatLibmtmdTrustsAreChecked) {
  const std::vector<std::uint8_t> file = ReadFile(RandomFile("llava-mmproj"));
  const auto patched = [&](const std::string& key, std::uint32_t type, std::uint32_t value) {
    std::vector<std::uint8_t> copy = file;
    const auto found = std::search(copy.begin(), copy.end(), key.begin(), key.end());
    EXPECT_NE(found, copy.end()) << key;
    const auto at = static_cast<std::size_t>(found - copy.begin()) + key.size();
    for (std::size_t i = 0; i < 4; ++i) {
      copy[at + i] = static_cast<std::uint8_t>(type >> (8 * i));
      copy[at + 4 + i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
    return copy;
  };
  constexpr std::uint32_t kUint32 = 4;
  constexpr std::uint32_t kFloat32 = 6;
  for (const char* key : {"clip.vision.patch_size", "clip.vision.image_size", "clip.vision.embedding_length",
                          "clip.vision.attention.head_count", "clip.vision.block_count"}) {
    EXPECT_EQ(LoadBytes(patched(key, kUint32, 0)).code(), Code::kBadMmproj) << key;
    EXPECT_EQ(LoadBytes(patched(key, kUint32, 0xFFFFFFFF)).code(), Code::kBadMmproj) << key;
    EXPECT_EQ(LoadBytes(patched(key, kFloat32, 14)).code(), Code::kBadMmproj) << key;
  }
  EXPECT_EQ(LoadBytes(patched("clip.vision.image_size", kUint32, 448)).code(), Code::kBadMmproj);
  EXPECT_EQ(LoadBytes(patched("clip.vision.patch_size", kUint32, 7)).code(), Code::kBadMmproj);
}

TEST_F(ProjectorTest, KnowsWhatItsModelNeeds) {
  for (const char* family : {"llava", "qwen2vl", "gemma3", "internvl"}) {
    const testing::VisionPair pair = testing::LoadPair(family);
    ASSERT_NE(pair.projector, nullptr) << family;
    EXPECT_EQ(pair.projector->width(), 128U) << family;
    EXPECT_FALSE(pair.projector->depends_on_position()) << family;
    const std::string name = family;
    EXPECT_EQ(mtmd_decode_use_mrope(pair.projector->context()), name == "qwen2vl");
    EXPECT_EQ(mtmd_decode_use_non_causal(pair.projector->context(), nullptr), name == "gemma3");
  }
}

}  // namespace
}  // namespace medinfer
