#include "images/stb_decode.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace medinfer {
namespace {

struct AssertionFailed {};

// What stb_image allocates while it decodes one image on this thread. Holds few blocks at a time.
class Arena {
 public:
  explicit Arena(std::uint64_t capacity) : capacity_(capacity) { blocks_.reserve(32); }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  // stb_image leaks on some of its error paths.
  ~Arena() {
    for (const Block& block : blocks_) {
      std::free(block.memory);
    }
  }

  // Zeroed: stb_image leaves parts of a picture unwritten where a file is odd, and what another request left in that
  // memory may be a patient's.
  void* Allocate(std::size_t size) {
    if (size > capacity_ - used_) {
      exhausted_ = true;
      return nullptr;
    }
    void* memory = std::calloc(std::max<std::size_t>(size, 1), 1);
    if (memory != nullptr) {
      blocks_.push_back({memory, size});
      used_ += size;
    }
    return memory;
  }

  void* Reallocate(void* old, std::size_t size) {
    void* memory = Allocate(size);
    if (memory != nullptr && old != nullptr) {
      std::memcpy(memory, old, std::min(size, Find(old)->size));
      Free(old);
    }
    return memory;
  }

  void Free(void* memory) {
    if (memory != nullptr) {
      Release(memory);
      std::free(memory);
    }
  }

  // Gives `memory` to the caller.
  void Release(void* memory) {
    const auto block = Find(memory);
    used_ -= block->size;
    blocks_.erase(block);
  }

  bool exhausted() const { return exhausted_; }

 private:
  struct Block {
    void* memory;
    std::size_t size;
  };

  std::vector<Block>::iterator Find(void* memory) {
    return std::find_if(blocks_.begin(), blocks_.end(), [&](const Block& block) { return block.memory == memory; });
  }

  const std::uint64_t capacity_;
  std::uint64_t used_ = 0;  // invariant: sum over blocks_, at most capacity_
  bool exhausted_ = false;
  std::vector<Block> blocks_;
};

thread_local Arena* arena = nullptr;

}  // namespace
}  // namespace medinfer

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_GIF
#define STBI_ONLY_BMP
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MALLOC(size) ::medinfer::arena->Allocate(size)
#define STBI_REALLOC(memory, size) ::medinfer::arena->Reallocate(memory, size)
#define STBI_FREE(memory) ::medinfer::arena->Free(memory)
#define STBI_ASSERT(condition)             \
  do {                                     \
    if (!(condition)) {                    \
      throw ::medinfer::AssertionFailed(); \
    }                                      \
  } while (false)

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#endif
#include "stb/stb_image.h"
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace medinfer {

Result<StbPixels> DecodeWithStb(Bytes file, int channels, std::uint64_t max_memory) {
  if (file.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return Status(Code::kImageTooLarge, "the image file is larger than 2 GB: send a smaller one");
  }
  Arena memory(max_memory);
  arena = &memory;
  int width = 0;
  int height = 0;
  int channels_in_file = 0;
  std::uint8_t* samples = nullptr;
  const char* reason = nullptr;
  try {
    samples =
        stbi_load_from_memory(file.data(), static_cast<int>(file.size()), &width, &height, &channels_in_file, channels);
    reason = samples == nullptr ? stbi_failure_reason() : nullptr;
  } catch (const AssertionFailed&) {
    reason = "inconsistent data";
  }
  arena = nullptr;
  if (samples == nullptr || width <= 0 || height <= 0) {
    if (memory.exhausted()) {
      return Status(Code::kImageDecode,
                    "the image needs far more memory to decode than its size allows: it is damaged, or made to harm");
    }
    return Status(Code::kImageDecode, std::string("the image cannot be decoded (") +
                                          (reason != nullptr ? reason : "unknown reason") +
                                          "): send it again from an intact copy, or saved by another program");
  }
  memory.Release(samples);
  StbPixels pixels;
  pixels.width = static_cast<std::uint32_t>(width);
  pixels.height = static_cast<std::uint32_t>(height);
  pixels.samples.reset(samples);
  return pixels;
}

}  // namespace medinfer
