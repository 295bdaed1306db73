#include "device/available_cpus.h"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace medinfer {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kMostThreads = 512;  // GGML_MAX_N_THREADS

// The CPUs that the calling thread may run on; 0: unknown.
std::uint32_t AllowedCpus() {
#ifdef __linux__
  constexpr std::size_t kMostCpus = 1U << 16U;
  // The kernel says EINVAL to a set that is smaller than its own.
  for (std::size_t n = CPU_SETSIZE; n <= kMostCpus; n *= 2) {
    const std::size_t bytes = CPU_ALLOC_SIZE(n);
    const auto free = [](cpu_set_t* set) { CPU_FREE(set); };
    const std::unique_ptr<cpu_set_t, decltype(free)> set(CPU_ALLOC(n), free);
    if (set == nullptr) return 0;
    if (sched_getaffinity(0, bytes, set.get()) == 0) return static_cast<std::uint32_t>(CPU_COUNT_S(bytes, set.get()));
    if (errno != EINVAL) return 0;
  }
#endif
  return 0;
}

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(std::move(part));
  return parts;
}

bool Names(const std::string& list, std::string_view name) {
  const std::vector<std::string> names = Split(list, ',');
  return std::ranges::find(names, name) != names.end();
}

// The kernel writes blanks and the like in mount points as \040.
std::string Unescape(const std::string& text) {
  constexpr std::size_t kDigits = 3;
  constexpr int kOctal = 8;
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string digits = text[i] == '\\' ? text.substr(i + 1, kDigits) : std::string();
    if (digits.size() == kDigits && digits.find_first_not_of("01234567") == std::string::npos) {
      plain += static_cast<char>(std::stoi(digits, nullptr, kOctal));
      i += kDigits;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// Where a hierarchy of cgroups is mounted, and which of its groups is seen there.
struct Mount {
  std::string group;
  fs::path point;
};

std::optional<Mount> FindMount(const fs::path& root, int version) {
  std::ifstream file(root / "proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    // 30 23 0:26 GROUP POINT OPTIONS [optional fields] - TYPE SOURCE SUPER_OPTIONS
    constexpr std::size_t kGroup = 3;
    constexpr std::size_t kPoint = 4;
    const std::vector<std::string> fields = Split(line, ' ');
    const auto dash = std::ranges::find(fields, "-");
    if (fields.size() <= kPoint || fields.end() - dash < 4) continue;
    const bool fits = version == 2 ? dash[1] == "cgroup2" : dash[1] == "cgroup" && Names(dash[3], "cpu");
    if (fits) return Mount{Unescape(fields[kGroup]), Unescape(fields[kPoint])};
  }
  return std::nullopt;
}

// The process's group in that hierarchy.
std::optional<std::string> FindGroup(const fs::path& root, int version) {
  std::ifstream file(root / "proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    // ID:CONTROLLERS:GROUP, of which the first is 0 and the second empty in version 2
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version == 2 ? controllers.empty() : Names(controllers, "cpu")) return line.substr(second + 1);
  }
  return std::nullopt;
}

std::optional<double> QuotaIn(const fs::path& folder, int version) {
  double quota = 0;
  double period = 0;
  if (version == 2) {
    if (!(std::ifstream(folder / "cpu.max") >> quota >> period)) return std::nullopt;  // "max" is no number
  } else {
    std::ifstream(folder / "cpu.cfs_quota_us") >> quota;  // -1: none
    std::ifstream(folder / "cpu.cfs_period_us") >> period;
  }
  if (quota <= 0 || period <= 0) return std::nullopt;
  return quota / period;
}

std::optional<double> Least(std::optional<double> a, std::optional<double> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

std::optional<double> QuotaOf(const fs::path& root, int version) {
  const std::optional<Mount> mount = FindMount(root, version);
  const std::optional<std::string> group = FindGroup(root, version);
  if (!mount || !group) return std::nullopt;
  // A container that has no view of its own is given its group as the host names it, and sees that alone.
  fs::path below = fs::path(*group).lexically_relative(mount->group);
  if (below.empty() || *below.begin() == "..") below.clear();
  const fs::path top = root / mount->point.relative_path();
  std::optional<double> least = QuotaIn(top, version);
  fs::path folder = top;
  for (const fs::path& name : below) {
    folder /= name;
    least = Least(least, QuotaIn(folder, version));
  }
  return least;
}

}  // namespace

std::optional<double> CgroupCpuQuota(const fs::path& root) { return Least(QuotaOf(root, 1), QuotaOf(root, 2)); }

std::uint32_t AvailableCpus() {
  const std::uint32_t allowed = AllowedCpus();
  double cpus = allowed > 0 ? allowed : std::max(1U, std::thread::hardware_concurrency());
  // Of one and a half CPUs two threads make more than one does.
  if (const std::optional<double> quota = CgroupCpuQuota()) cpus = std::min(cpus, std::ceil(*quota));
  return static_cast<std::uint32_t>(std::clamp(cpus, 1.0, static_cast<double>(kMostThreads)));
}

}  // namespace medinfer
