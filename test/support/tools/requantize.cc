// Writes a model's weights in another type, by llama.cpp's own code.
//
//   requantize MODEL OUT f32|f16|q8_0
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "command_line.h"
#include "llama.h"

namespace medinfer::tools {
namespace {

int Run(int argc, char** argv) {
  const CommandLine line(argc, argv);
  line.CheckAllUsed();
  const std::vector<std::string>& words = line.words();
  if (words.size() != 3) throw std::runtime_error("requantize MODEL OUT f32|f16|q8_0");
  const std::map<std::string, llama_ftype> types = {
      {"f32", LLAMA_FTYPE_ALL_F32}, {"f16", LLAMA_FTYPE_MOSTLY_F16}, {"q8_0", LLAMA_FTYPE_MOSTLY_Q8_0}};
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = types.at(words[2]);
  params.allow_requantize = true;
  if (llama_model_quantize(words[0].c_str(), words[1].c_str(), &params) != 0) {
    throw std::runtime_error("llama.cpp could not write the model");
  }
  return 0;
}

}  // namespace
}  // namespace medinfer::tools

int main(int argc, char** argv) {
  try {
    return medinfer::tools::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "requantize: %s\n", error.what());
    return 1;
  }
}
