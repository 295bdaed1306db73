#include "vision/projector_choice.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "base/excerpt.h"
#include "base/log_capture.h"
#include "clip.h"
#include "llama.h"
#include "model/gguf_header.h"
#include "model/model.h"
#include "vision/model_names.h"
#include "vision/projector_file.h"

namespace medinfer {
namespace {

// More files than anybody keeps of one model; the rest are not looked at.
constexpr std::size_t kMostCandidates = 64;
constexpr std::size_t kMostNamed = 3;    // files in a warning
constexpr std::size_t kMostOfName = 40;  // bytes of each

struct Kind {
  std::string_view projector;
  std::string_view architectures;  // separated by blanks
  bool needs_mrope = false;        // beyond those whose architecture always has it
};

// The architectures that llama.cpp's converter writes for the models of each kind of projector (conversion/*.py of the
// pinned release: the classes that are registered for one and the same model of Hugging Face). Kinds that are not here
// are encoders that were put before text models of many architectures: LLaVA's and its relatives, InternVL's,
// Idefics3's, MiniCPM-V's resampler.
constexpr std::array<Kind, 34> kKinds = {{
    {"cogvlm", "cogvlm"},
    {"deepseek4v", "deepseek4"},
    {"deepseekocr", "deepseek2-ocr"},
    {"deepseekocr2", "deepseek2-ocr"},
    {"dots3note_v", "dots3note"},
    {"dots_ocr", "qwen2"},
    {"exaone4_5", "exaone4"},
    {"gemma3", "gemma3"},
    {"gemma3nv", "gemma3n"},
    {"gemma4v", "gemma4"},
    {"gemma4uv", "gemma4"},
    {"glm4v", "glm4 glm4moe", true},
    {"granite4_vision", "granite granitemoe granitehybrid"},
    {"hunyuanvl", "hunyuan_vl", true},
    {"janus_pro", "llama"},
    {"kimik25", "deepseek2 glm-dsa"},
    {"kimivl", "deepseek2"},
    {"lfm2", "lfm2 lfm2moe"},
    {"lightonocr", "qwen3"},
    {"llama4", "llama4"},
    {"mimovl", "mimo2"},
    {"minicpmv4_6", "qwen35"},
    {"minimax_m3", "minimax-m3"},
    {"muse-glimmer", "muse-glimmer"},
    {"nemotron_v2_vl", "nemotron_h nemotron_h_moe"},
    {"paddleocr", "paddleocr"},
    {"phi4", "phi3"},
    {"pixtral", "llama mistral3 mistral4"},
    {"qwen2.5vl_merger", "qwen2vl"},
    {"qwen2.5o", "qwen2vl"},
    {"qwen2vl_merger", "qwen2vl llama"},
    {"qwen3vl_merger", "qwen3vl qwen3vlmoe qwen35 qwen35moe qwen4exp"},
    {"step3vl", "qwen3 step35"},
    {"youtuvl", "deepseek2"},
}};

struct ClipDeleter {
  void operator()(clip_ctx* clip) const { clip_free(clip); }
};
using ClipPtr = std::unique_ptr<clip_ctx, ClipDeleter>;

// What a projector has to fit.
struct ModelFacts {
  std::string architecture;
  std::int64_t width = 0;
  bool mrope = false;
  ModelNames names;
};

ModelFacts ReadFacts(const Model& model, const std::string& path) {
  const auto metadata = [&](const std::string& key) { return model.Metadata(key.c_str()); };
  const llama_rope_type rope = llama_model_rope_type(model.get());
  return {metadata("general.architecture"), llama_model_n_embd_inp(model.get()),
          rope == LLAMA_ROPE_TYPE_MROPE || rope == LLAMA_ROPE_TYPE_IMROPE, ReadModelNames(path, metadata)};
}

ModelNames ReadProjectorNames(const std::string& path) {
  const GgufPtr gguf = ReadGgufHeader(path);
  return ReadModelNames(path, [&](const std::string& key) { return gguf ? GgufText(gguf.get(), key) : std::string(); });
}

// Floats per image token; 0: libmtmd does not take the file. Allocates no weights.
std::int64_t ReadWidth(const std::string& path) {
  clip_context_params params = {};
  params.flash_attn_type = CLIP_FLASH_ATTN_TYPE_AUTO;
  params.image_min_tokens = -1;
  params.image_max_tokens = -1;
  params.no_alloc = true;
  const clip_init_result made = clip_init(path.c_str(), params);
  const ClipPtr vision(made.ctx_v);
  const ClipPtr audio(made.ctx_a);
  const ClipPtr speech(made.ctx_gen_a);
  return vision == nullptr ? 0 : clip_n_mmproj_embd(vision.get());
}

bool IsAmong(std::string_view word, std::string_view words) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

struct Judgement {
  Kinship kinship = Kinship::kStranger;
  std::string misfit;  // why the projector is not the model's; empty: nothing speaks against it
};

Judgement Judge(const std::string& path, const ModelFacts& model, bool only_model) {
  const LogCapture log;  // nothing of it is printed
  const auto misfit = [](std::string why) { return Judgement{Kinship::kStranger, std::move(why)}; };
  const Result<ProjectorFile> file = InspectProjectorFile(path);
  if (!file.ok()) return misfit("is no projector for images, or damaged");
  const auto kind = std::find_if(kKinds.begin(), kKinds.end(),
                                 [&](const Kind& known) { return known.projector == file.value().type; });
  if (kind == kKinds.end()) {
    if (model.mrope) return misfit("is not made for a model with M-RoPE");
  } else if (!IsAmong(model.architecture, kind->architectures)) {
    const std::string_view first = kind->architectures.substr(0, kind->architectures.find(' '));
    return misfit("is made for the architecture " + std::string(first));
  } else if (kind->needs_mrope && !model.mrope) {
    return misfit("needs a model with M-RoPE");
  }
  const Kinship kinship = Compare(ReadProjectorNames(path), model.names);
  if (kinship == Kinship::kStranger) return misfit("names another model");
  if (kinship == Kinship::kUnnamed && !only_model) return misfit("does not say whose it is");
  const std::int64_t width = ReadWidth(path);
  if (width == model.width) return {kinship, ""};
  if (width == 0) return misfit("cannot be read");
  return misfit("gives " + std::to_string(width) + " values per token, and the model takes " +
                std::to_string(model.width));
}

std::string NameOf(const std::string& path) {
  return Excerpt(std::filesystem::path(path).filename().string(), kMostOfName);
}

std::string Join(const std::vector<std::string>& parts, std::size_t left_out) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  if (left_out > 0) text += "; and " + std::to_string(left_out) + " more";
  return text;
}

}  // namespace

ProjectorChoice ChooseProjector(const Model& model, const std::string& model_path,
                                const std::vector<std::string>& candidates, bool only_model) {
  if (candidates.empty()) return {};
  const ModelFacts facts = ReadFacts(model, model_path);
  struct Fit {
    const std::string* path;
    Kinship kinship;
  };
  std::vector<Fit> fits;
  std::vector<std::string> misfits;
  for (std::size_t i = 0; i < std::min(candidates.size(), kMostCandidates); ++i) {
    const Judgement judgement = Judge(candidates[i], facts, only_model);
    if (judgement.misfit.empty()) {
      fits.push_back({&candidates[i], judgement.kinship});
    } else if (misfits.size() < kMostNamed) {
      misfits.push_back(NameOf(candidates[i]) + " " + judgement.misfit);
    }
  }
  constexpr const char* kAdvice = ": name the model's own with mmproj, or pass mmproj: null";
  if (fits.empty()) {
    const std::string seen = Join(misfits, candidates.size() - misfits.size());
    return {"", "no projector beside the model fits it (" + seen + ")" + kAdvice};
  }
  const Kinship surest = std::max_element(fits.begin(), fits.end(), [](const Fit& a, const Fit& b) {
                           return a.kinship < b.kinship;
                         })->kinship;
  std::erase_if(fits, [&](const Fit& fit) { return fit.kinship < surest; });
  if (fits.size() == 1) return {*fits.front().path, ""};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(fits.size(), kMostNamed); ++i) names.push_back(NameOf(*fits[i].path));
  const std::string seen = Join(names, fits.size() - names.size());
  return {"", "several projectors beside the model fit it (" + seen + ")" + kAdvice};
}

}  // namespace medinfer
