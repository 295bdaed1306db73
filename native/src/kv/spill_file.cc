#include "kv/spill_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace medinfer {
namespace {

int OpenUnnamed(const std::string& folder) {
#ifdef O_TMPFILE
  const int file = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, S_IRUSR | S_IWUSR);
  // Not every file system has files without a name.
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return file;
#endif
  std::string name = folder + "/medinfer-XXXXXX";
  const int named = mkstemp(name.data());  // for its owner alone
  if (named < 0) return named;
  static_cast<void>(fcntl(named, F_SETFD, FD_CLOEXEC));
  if (unlink(name.c_str()) != 0) {
    const int error = errno;
    close(named);
    errno = error;
    return -1;
  }
  return named;
}

// Calls until all is done, or the system refuses or has no more.
template <typename Call>
bool Whole(std::size_t size, std::uint64_t at, const Call& call) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t n = call(done, size - done, static_cast<off_t>(at + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<SpillFile>> SpillFile::Create(const std::string& folder) {
  const int file = OpenUnnamed(folder);
  if (file < 0) {
    const int error = errno;
    const std::string why = error == ENOENT ? "there is no such folder"
                            : error == ENOTDIR
                                ? "is no folder"
                                : "no file can be made in it (" + std::generic_category().message(error) + ")";
    return Status(Code::kInvalidArgument, why);
  }
  return std::unique_ptr<SpillFile>(new SpillFile(file));
}

SpillFile::~SpillFile() { close(descriptor_); }

bool SpillFile::Write(std::uint32_t block, std::span<const std::uint8_t> bytes) {
  return Whole(bytes.size(), std::uint64_t{block} * bytes.size(), [&](std::size_t from, std::size_t size, off_t at) {
    return pwrite(descriptor_, bytes.data() + from, size, at);
  });
}

bool SpillFile::Read(std::uint32_t block, std::span<std::uint8_t> bytes) const {
  return Whole(bytes.size(), std::uint64_t{block} * bytes.size(), [&](std::size_t from, std::size_t size, off_t at) {
    return pread(descriptor_, bytes.data() + from, size, at);
  });
}

void SpillFile::ReadAhead(std::uint32_t block, std::size_t size) const {
#ifdef POSIX_FADV_WILLNEED
  static_cast<void>(posix_fadvise(descriptor_, static_cast<off_t>(std::uint64_t{block} * size),
                                  static_cast<off_t>(size), POSIX_FADV_WILLNEED));
#endif
}

}  // namespace medinfer
