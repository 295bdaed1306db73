#include "support/vision_models.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "device/cpu_share.h"
#include "medinfer/backends.h"
#include "support/places.h"

namespace medinfer::testing {
namespace {

class ScratchFolder {
 public:
  ScratchFolder() : path_(std::filesystem::temp_directory_path() / ("medinfer-vision-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace

std::string ScratchPath(const std::string& name) {
  static const ScratchFolder folder;
  return (folder.path() / name).string();
}

std::string RandomFile(const std::string& kind, const std::string& options) {
  static std::map<std::string, std::string> made;
  std::string& path = made[kind + " " + options];
  if (path.empty()) {
    path = ScratchPath(std::to_string(made.size()) + "-" + kind + ".gguf");
    const std::string command = std::string(places::kTools) + "/random_gguf " + kind + " " + path + " " + options;
    EXPECT_EQ(std::system((command + " >/dev/null").c_str()), 0) << command;
  }
  return path;
}

std::unique_ptr<llama_model, ModelDeleter> LoadTextModel(const std::string& path) {
  const Status backends = InitBackends(places::kBackends);
  EXPECT_TRUE(backends.ok()) << backends.message();
  llama_model_params params = llama_model_default_params();
  ggml_backend_dev_t none = nullptr;  // no device beside the CPU
  params.devices = &none;
  std::unique_ptr<llama_model, ModelDeleter> model(llama_model_load_from_file(path.c_str(), params));
  EXPECT_NE(model, nullptr) << path;
  return model;
}

VisionPair LoadPair(const std::string& family, const std::string& projector_options, ggml_backend_dev_t device) {
  const bool llama = family == "llava" || family == "internvl";
  VisionPair pair;
  pair.model = LoadTextModel(RandomFile(llama ? "llama" : family));
  auto projector = Projector::Load(RandomFile(family + "-mmproj", projector_options), pair.model.get(),
                                   {std::make_shared<CpuShare>(2)}, device, nullptr);
  EXPECT_TRUE(projector.ok()) << (projector.ok() ? "" : projector.status().message());
  if (projector.ok()) pair.projector = std::move(projector.value());
  return pair;
}

}  // namespace medinfer::testing
