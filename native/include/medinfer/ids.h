// Names of what an engine works on.
#pragma once

#include <cstdint>

namespace medinfer {

// Given out by the engine; never 0, never used twice by one engine.
using RequestId = std::uint64_t;

// What a request has left in the KV cache for those that go on from it: Request::keep. Shares the numbers of requests;
// 0: none.
using StateId = RequestId;

}  // namespace medinfer
