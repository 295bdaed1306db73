// How many threads can compute at once. The host's cores say little: containers are given a part of their time by
// cgroup quotas, and processes some of them by affinity, as which cpusets appear, too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace medinfer {

// At least 1. Of the calling thread, whose affinity those that it starts have; quotas are read anew with every call.
std::uint32_t AvailableCpus();

// CPUs' worth of time that the process's cgroups give it, of version 1 or 2: the least of its own and those above it.
// Nothing where there is no quota, or none can be read. `root` stands before every path, for tests.
std::optional<double> CgroupCpuQuota(const std::filesystem::path& root = "/");

}  // namespace medinfer
