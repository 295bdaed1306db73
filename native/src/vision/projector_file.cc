#include "vision/projector_file.h"

#include <filesystem>
#include <system_error>

#include "base/excerpt.h"
#include "gguf.h"
#include "model/gguf_header.h"
#include "model/model.h"
#include "vision/projector_tensors.h"
#include "vision/projector_values.h"

namespace medinfer {

Result<ProjectorFile> InspectProjectorFile(const std::string& path) {
  if (Status status = CheckGgufFile(path, "the projector", Code::kModelNotFound, Code::kBadMmproj); !status.ok()) {
    return status;
  }
  const auto bad = [&](const std::string& why, const char* advice) {
    return Status(Code::kBadMmproj, "the projector " + ExcerptPath(path) + " cannot be used: " + why + "; " + advice);
  };
  constexpr const char* kAgain = "download it again";
  const GgufPtr gguf = ReadGgufHeader(path);
  if (gguf == nullptr) return bad("its header is damaged or cut off", kAgain);

  const std::string architecture = GgufText(gguf.get(), "general.architecture");
  if (architecture != "clip") {
    return bad("it is a model of the architecture \"" + Excerpt(architecture, 40) + "\", not a projector",
               "name the mmproj file that was published with the model");
  }
  const std::int64_t vision = gguf_find_key(gguf.get(), "clip.has_vision_encoder");
  if (vision < 0 ||
      (gguf_get_kv_type(gguf.get(), vision) == GGUF_TYPE_BOOL && !gguf_get_val_bool(gguf.get(), vision))) {
    return bad("it has no vision encoder", "name a projector for images");
  }

  ProjectorFile file;
  file.type = GgufText(gguf.get(), "clip.projector_type");
  if (file.type.empty()) file.type = GgufText(gguf.get(), "clip.vision.projector_type");
  // Yi-VL's files say "mlp", and libmtmd recognises them by this tensor.
  if (file.type == "mlp" && gguf_find_tensor(gguf.get(), "mm.3.weight") >= 0) file.type = "mlp_norm";
  if (const std::string why = FindBadProjectorValue(gguf.get(), file.type); !why.empty()) return bad(why, kAgain);
  if (const std::string why = FindBadProjectorTensor(gguf.get(), file.type); !why.empty()) return bad(why, kAgain);

  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  const std::uint64_t data = gguf_get_data_offset(gguf.get());
  const std::int64_t n_tensors = gguf_get_n_tensors(gguf.get());
  for (std::int64_t i = 0; i < n_tensors; ++i) {
    const std::uint64_t begin = data + gguf_get_tensor_offset(gguf.get(), i);
    const std::uint64_t bytes = gguf_get_tensor_size(gguf.get(), i);
    if (error || begin > size || bytes > size - begin) return bad("the file is truncated", kAgain);
    file.tensor_bytes += bytes;
  }
  file.output_width = ProjectorWidth(gguf.get(), file.type);
  return file;
}

}  // namespace medinfer
