// The reference: a plain one-sequence llama.cpp loop with none of our code in it. It reads one request per line and
// answers each with one line of JSON.
//
//   plain_loop MODEL [--mmproj FILE] [--ctx N] [--batch N] [--ubatch N] [--threads N] [--kv f32|f16] [--device cpu|gpu]
//
// A request is words separated by spaces: predict=N, ignore_eos=1, and the parts of the prompt in order, text=… and
// image=PATH, percent-encoded. The answer: the greedy tokens, for each the distance of the two best logits it was
// chosen from, the text's bytes in hexadecimal, why it ended, and milliseconds. On start a line tells that it is ready.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <limits>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "command_line.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "llama.h"
#include "mtmd-helper.h"
#include "mtmd.h"

namespace medinfer::tools {
namespace {

using Clock = std::chrono::steady_clock;

double Milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

struct Deleter {
  void operator()(llama_model* model) const { llama_model_free(model); }
  void operator()(llama_context* context) const { llama_free(context); }
  void operator()(mtmd_context* context) const { mtmd_free(context); }
  void operator()(mtmd_input_chunks* chunks) const { mtmd_input_chunks_free(chunks); }
  void operator()(mtmd_bitmap* bitmap) const { mtmd_bitmap_free(bitmap); }
};
template <typename T>
using Owned = std::unique_ptr<T, Deleter>;

// One pool of threads for all steps, as llama.cpp's own programs keep it; the CPU backend is a plugin, so its functions
// are looked up by name.
class ThreadPool {
 public:
  explicit ThreadPool(int threads) {
    ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (device == nullptr) throw std::runtime_error("no CPU backend in " MEDINFER_BACKEND_DIR);
    ggml_backend_reg_t registry = ggml_backend_dev_backend_reg(device);
    ggml_threadpool_params params = ggml_threadpool_params_default(threads);
    pool_ = reinterpret_cast<decltype(&ggml_threadpool_new)>(
        ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_new"))(&params);
    free_ = reinterpret_cast<decltype(&ggml_threadpool_free)>(
        ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_free"));
  }
  ~ThreadPool() { free_(pool_); }
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  ggml_threadpool* get() const { return pool_; }

 private:
  ggml_threadpool* pool_;
  decltype(&ggml_threadpool_free) free_;
};

struct Request {
  std::int32_t predict = 16;
  bool ignore_eos = false;
  std::string prompt;  // images stand in it as libmtmd's marker
  std::vector<std::string> images;
};

struct Answer {
  std::vector<llama_token> tokens;
  std::vector<std::size_t> sizes;  // bytes of each token's text
  std::vector<float> margins;
  std::string text;
  const char* finish = "length";
  std::size_t prompt_tokens = 0;
  double prefill_ms = 0;
  double decode_ms = 0;
};

std::string PercentDecode(const std::string& text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

Request ParseRequest(const std::string& line) {
  Request request;
  std::istringstream words(line);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : PercentDecode(word.substr(equals + 1));
    if (name == "predict") {
      request.predict = std::stoi(value);
    } else if (name == "ignore_eos") {
      request.ignore_eos = value == "1";
    } else if (name == "text") {
      request.prompt += value;
    } else if (name == "image") {
      request.prompt += mtmd_default_marker();
      request.images.push_back(value);
    } else {
      throw std::runtime_error("unknown word " + name);
    }
  }
  return request;
}

class Loop {
 public:
  Loop(const std::string& model_path, CommandLine& options)
      : threads_(static_cast<std::int32_t>(options.Int("threads", std::thread::hardware_concurrency()))),
        pool_(threads_) {
    const std::string kv = options.OneOf("kv", {"f16", "f32"});
    const std::string mmproj = options.Text("mmproj", "");
    // llama.cpp takes a GPU wherever it finds one.
    const bool gpu = options.OneOf("device", {"cpu", "gpu"}) == "gpu";

    llama_model_params placement = llama_model_default_params();
    ggml_backend_dev_t no_device = nullptr;
    if (!gpu) placement.devices = &no_device;
    model_.reset(llama_model_load_from_file(model_path.c_str(), placement));
    if (!model_) throw std::runtime_error("cannot load " + model_path);
    vocab_ = llama_model_get_vocab(model_.get());

    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<std::uint32_t>(options.Int("ctx", 4096));
    params.n_ubatch = static_cast<std::uint32_t>(options.Int("ubatch", 512));
    params.n_batch = static_cast<std::uint32_t>(options.Int("batch", params.n_ubatch));
    params.n_seq_max = 1;
    params.n_threads = threads_;
    params.n_threads_batch = threads_;
    params.type_k = params.type_v = kv == "f32" ? GGML_TYPE_F32 : GGML_TYPE_F16;
    context_.reset(llama_init_from_model(model_.get(), params));
    if (!context_) throw std::runtime_error("cannot create a context");
    llama_attach_threadpool(context_.get(), pool_.get(), nullptr);

    if (mmproj.empty()) return;
    mtmd_context_params vision = mtmd_context_params_default();
    vision.use_gpu = gpu;
    vision.print_timings = false;
    vision.n_threads = threads_;
    vision.warmup = false;
    vision_.reset(mtmd_init_from_file(mmproj.c_str(), model_.get(), vision));
    if (!vision_) throw std::runtime_error("cannot load " + mmproj);
  }

  Answer Run(const Request& request) {
    Answer answer;
    llama_memory_clear(llama_get_memory(context_.get()), true);
    const Clock::time_point start = Clock::now();
    llama_pos position = request.images.empty() ? PrefillText(request.prompt, answer) : PrefillMedia(request, answer);
    Clock::time_point first = start;
    llama_batch batch = llama_batch_init(1, 0, 1);
    while (true) {
      const llama_token token = Best(request.ignore_eos, answer);
      if (answer.tokens.empty()) first = Clock::now();
      if (llama_vocab_is_eog(vocab_, token)) {
        answer.finish = "eos";
        break;
      }
      answer.tokens.push_back(token);
      const std::string piece = Piece(token);
      answer.sizes.push_back(piece.size());
      answer.text += piece;
      if (static_cast<std::int32_t>(answer.tokens.size()) >= request.predict) break;
      if (llama_memory_seq_pos_max(llama_get_memory(context_.get()), 0) + 1 >=
          static_cast<llama_pos>(llama_n_ctx(context_.get()))) {
        answer.finish = "context";
        break;
      }
      batch.n_tokens = 1;
      batch.token[0] = token;
      batch.pos[0] = position++;
      batch.n_seq_id[0] = 1;
      batch.seq_id[0][0] = 0;
      batch.logits[0] = 1;
      if (llama_decode(context_.get(), batch) != 0) throw std::runtime_error("llama_decode failed");
    }
    llama_batch_free(batch);
    answer.prefill_ms = Milliseconds(start, first);
    answer.decode_ms = Milliseconds(first, Clock::now());
    return answer;
  }

 private:
  llama_pos PrefillText(const std::string& prompt, Answer& answer) {
    std::vector<llama_token> tokens(prompt.size() + 8);
    const std::int32_t count =
        llama_tokenize(vocab_, prompt.data(), static_cast<std::int32_t>(prompt.size()), tokens.data(),
                       static_cast<std::int32_t>(tokens.size()), /*add_special=*/true, /*parse_special=*/true);
    if (count <= 0) throw std::runtime_error("the prompt has no tokens");
    answer.prompt_tokens = static_cast<std::size_t>(count);
    const auto step = static_cast<std::int32_t>(llama_n_batch(context_.get()));
    for (std::int32_t i = 0; i < count; i += step) {
      const llama_batch batch = llama_batch_get_one(&tokens[static_cast<std::size_t>(i)], std::min(step, count - i));
      if (llama_decode(context_.get(), batch) != 0) throw std::runtime_error("llama_decode failed");
    }
    return count;
  }

  llama_pos PrefillMedia(const Request& request, Answer& answer) {
    if (!vision_) throw std::runtime_error("no --mmproj was named");
    std::vector<Owned<mtmd_bitmap>> bitmaps;
    std::vector<const mtmd_bitmap*> pointers;
    for (const std::string& path : request.images) {
      bitmaps.emplace_back(mtmd_helper_bitmap_init_from_file(vision_.get(), path.c_str(), /*placeholder=*/false,
                                                             mtmd_helper_init_opt_default())
                               .bitmap);
      if (!bitmaps.back()) throw std::runtime_error("cannot read " + path);
      pointers.push_back(bitmaps.back().get());
    }
    const Owned<mtmd_input_chunks> chunks(mtmd_input_chunks_init());
    mtmd_input_text text{};
    text.text = request.prompt.c_str();
    text.text_len = request.prompt.size();
    text.add_special = true;
    text.parse_special = true;
    if (mtmd_tokenize(vision_.get(), chunks.get(), &text, pointers.data(), pointers.size()) != 0) {
      throw std::runtime_error("mtmd_tokenize failed");
    }
    answer.prompt_tokens = mtmd_helper_get_n_tokens(chunks.get());
    llama_pos position = 0;
    if (mtmd_helper_eval_chunks(vision_.get(), context_.get(), chunks.get(), 0, 0,
                                static_cast<std::int32_t>(llama_n_batch(context_.get())), /*logits_last=*/true,
                                &position) != 0) {
      throw std::runtime_error("mtmd_helper_eval_chunks failed");
    }
    return position;
  }

  // The token with the highest logit; of equal ones the first.
  llama_token Best(bool ignore_eos, Answer& answer) const {
    const float* logits = llama_get_logits_ith(context_.get(), -1);
    const std::int32_t count = llama_vocab_n_tokens(vocab_);
    llama_token best = -1;
    float first = -std::numeric_limits<float>::infinity();
    float second = first;
    for (llama_token token = 0; token < count; ++token) {
      const float logit = logits[token];
      if (logit <= second || (ignore_eos && llama_vocab_is_eog(vocab_, token))) continue;
      if (logit > first) {
        second = first;
        first = logit;
        best = token;
      } else {
        second = logit;
      }
    }
    answer.margins.push_back(first - second);
    return best;
  }

  std::string Piece(llama_token token) const {
    char buffer[256];
    const std::int32_t size = llama_token_to_piece(vocab_, token, buffer, sizeof(buffer), 0, /*special=*/false);
    return std::string(buffer, static_cast<std::size_t>(std::max(size, 0)));
  }

  // Destroyed from the last to the first: the context before its threads.
  std::int32_t threads_;
  ThreadPool pool_;
  Owned<llama_model> model_;
  Owned<llama_context> context_;
  Owned<mtmd_context> vision_;
  const llama_vocab* vocab_ = nullptr;
};

void Print(const Answer& answer) {
  std::printf("{\"tokens\":[");
  for (std::size_t i = 0; i < answer.tokens.size(); ++i) std::printf("%s%d", i ? "," : "", answer.tokens[i]);
  std::printf("],\"sizes\":[");
  for (std::size_t i = 0; i < answer.sizes.size(); ++i) std::printf("%s%zu", i ? "," : "", answer.sizes[i]);
  std::printf("],\"margins\":[");
  for (std::size_t i = 0; i < answer.margins.size(); ++i) {
    std::printf("%s%.6g", i ? "," : "", static_cast<double>(std::min(answer.margins[i], 1e9F)));
  }
  std::printf("],\"textHex\":\"");
  for (const char c : answer.text) std::printf("%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
  std::printf("\",\"finish\":\"%s\",\"promptTokens\":%zu,\"prefillMs\":%.3f,\"decodeMs\":%.3f}\n", answer.finish,
              answer.prompt_tokens, answer.prefill_ms, answer.decode_ms);
  std::fflush(stdout);
}

void Quiet(ggml_log_level level, const char* text, void* /*data*/) {
  if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
}

int Run(int argc, char** argv) {
  CommandLine options(argc, argv);
  if (options.words().size() != 1) throw std::runtime_error("usage: plain_loop MODEL [--option value]…");
  llama_log_set(Quiet, nullptr);
  mtmd_helper_log_set(Quiet, nullptr);
  ggml_backend_load_all_from_path(MEDINFER_BACKEND_DIR);
  Loop loop(options.words()[0], options);
  options.CheckAllUsed();
  std::puts("{\"ready\":true}");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) Print(loop.Run(ParseRequest(line)));
  return 0;
}

}  // namespace
}  // namespace medinfer::tools

int main(int argc, char** argv) {
  try {
    return medinfer::tools::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "plain_loop: %s\n", error.what());
    return 1;
  }
}
