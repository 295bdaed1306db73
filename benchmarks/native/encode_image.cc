// What llama.cpp as it was released makes of an image: the embeddings of all its pieces, as F32, to stdout.
//
//   encode_image MODEL MMPROJ IMAGE THREADS
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "llama.h"
#include "mtmd-helper.h"
#include "mtmd.h"

namespace {

struct Deleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
  void operator()(mtmd_context* context) const { mtmd_free(context); }
  void operator()(mtmd_bitmap* bitmap) const { mtmd_bitmap_free(bitmap); }
  void operator()(mtmd_input_chunks* chunks) const { mtmd_input_chunks_free(chunks); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

template <typename T>
Owned<T> Needed(T* made, const char* what) {
  if (made == nullptr) throw std::runtime_error(std::string("cannot ") + what);
  return Owned<T>(made);
}

void Run(char** arguments) {
  ggml_backend_load_all();
  const auto model = Needed(llama_model_load_from_file(arguments[1], llama_model_default_params()), "load the model");
  mtmd_context_params params = mtmd_context_params_default();
  params.use_gpu = false;
  params.warmup = false;
  params.n_threads = std::atoi(arguments[4]);
  const auto context = Needed(mtmd_init_from_file(arguments[2], model.get(), params), "load the projector");
  const auto bitmap = Needed(
      mtmd_helper_bitmap_init_from_file(context.get(), arguments[3], false, mtmd_helper_init_opt_default()).bitmap, "read it");
  const auto chunks = Needed(mtmd_input_chunks_init(), "make chunks");
  const std::string marker = mtmd_default_marker();
  mtmd_input_text text{};
  text.text = marker.data();
  text.text_len = marker.size();
  text.parse_special = true;
  const mtmd_bitmap* bitmaps[] = {bitmap.get()};
  if (mtmd_tokenize(context.get(), chunks.get(), &text, bitmaps, 1) != 0) throw std::runtime_error("cannot lay it out");
  const auto width = static_cast<std::size_t>(llama_model_n_embd_inp(model.get()));
  for (std::size_t i = 0; i < mtmd_input_chunks_size(chunks.get()); ++i) {
    const mtmd_input_chunk* chunk = mtmd_input_chunks_get(chunks.get(), i);
    if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) continue;
    if (mtmd_encode_chunk(context.get(), chunk) != 0) throw std::runtime_error("cannot encode it");
    const std::size_t values = width * mtmd_input_chunk_get_n_tokens(chunk);
    if (std::fwrite(mtmd_get_output_embd(context.get()), sizeof(float), values, stdout) != values) {
      throw std::runtime_error("cannot write");
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  constexpr int kArguments = 5;
  if (count != kArguments) return 2;
  try {
    Run(arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
