// When a request reached which point, and the times between them.
#pragma once

#include <chrono>
#include <optional>

#include "medinfer/events.h"

namespace medinfer {

using Clock = std::chrono::steady_clock;

struct RequestClock {
  Clock::time_point submitted;
  std::optional<Clock::time_point> prepared;  // its images are encoded, or need not be; without images: submitted
  std::optional<Clock::time_point> admitted;
  std::optional<Clock::time_point> prompt_read;
  std::optional<Clock::time_point> first_token;
  Clock::time_point last_token;

  // Of a request that ends `now`. `images`: whether it has any.
  Timings Measure(Clock::time_point now, bool images) const;
};

}  // namespace medinfer
