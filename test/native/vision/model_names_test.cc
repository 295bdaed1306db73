#include "vision/model_names.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace medinfer {
namespace {

TEST(ModelNamesTest, LeavesOutWhatNamesNoModel) {
  const NameWords qwen = {"qwen2", "5", "vl", "7b"};
  EXPECT_EQ(WordsOf("Qwen2.5-VL-7B-Instruct-Q4_K_M"), qwen);
  EXPECT_EQ(WordsOf("mmproj-Qwen2.5_VL-7b-BF16"), qwen);
  EXPECT_EQ(WordsOf("Qwen/Qwen2.5-VL-7B-Instruct"), qwen);
  EXPECT_EQ(WordsOf("llava v1.5 13B"), (NameWords{"llava", "1", "5", "13b"}));
  EXPECT_EQ(WordsOf("Gemma 3 4b It IQ2_XXS"), (NameWords{"gemma", "3", "4b"}));
}

TEST(ModelNamesTest, FindsNothingInNamesOfEncodersAndParts) {
  for (const char* name : {"", "mmproj-model-f16", "mmproj-Q8_0", "openai/clip-vit-large-patch14-336", "vision encoder",
                           "siglip-so400m", "ggml-model-q4_k", "---"}) {
    EXPECT_TRUE(WordsOf(name).empty()) << name;
  }
}

ModelNames Named(const std::string& path, const std::map<std::string, std::string>& metadata = {}) {
  return ReadModelNames(path, [&](const std::string& key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  });
}

TEST(ModelNamesTest, ReadsNamesFromMetadataAndFile) {
  const ModelNames names =
      Named("/models/a-00001-of-00003.gguf", {{"general.basename", "Gemma-3"},
                                              {"general.base_model.0.name", "Gemma 2"},
                                              {"general.base_model.1.repo_url", "https://x/y/z-7b"}});
  EXPECT_EQ(names.own, (NameWords{"gemma", "3"}));
  EXPECT_EQ(names.file, (NameWords{"a"}));
  EXPECT_EQ(names.bases, (std::vector<NameWords>{{"gemma", "2"}, {"z", "7b"}}));
}

TEST(ModelNamesTest, MetadataGoBeforeTheFilesNames) {
  const ModelNames llava = Named("mmproj-llava.gguf", {{"general.name", "Llava 7B"}});
  EXPECT_EQ(Compare(llava, Named("x.gguf", {{"general.name", "Llava 7B"}})), Kinship::kName);
  EXPECT_EQ(Compare(llava, Named("llava-7b.gguf")), Kinship::kFile);
  EXPECT_EQ(Compare(Named("mmproj-llava.gguf"), Named("llava-7b.gguf", {{"general.name", "LLaMA v2"}})),
            Kinship::kFile);
  EXPECT_EQ(Compare(Named("llava-mmproj.gguf", {{"general.name", "Gemma 3"}}), Named("llava.gguf")),
            Kinship::kStranger);
  EXPECT_EQ(Compare(llava, Named("x.gguf", {{"general.name", "Mine"}, {"general.base_model.0.name", "Llava 7B"}})),
            Kinship::kBase);
  EXPECT_EQ(Compare(llava, Named("model.gguf")), Kinship::kUnnamed);
  EXPECT_EQ(Compare(Named("mmproj.gguf"), Named("llava-7b.gguf")), Kinship::kUnnamed);
}

}  // namespace
}  // namespace medinfer
