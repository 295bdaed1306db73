#include "engine/request_clock.h"

namespace medinfer {
namespace {

double Milliseconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

Timings RequestClock::Measure(Clock::time_point now, bool images) const {
  Timings t;
  t.total_ms = Milliseconds(submitted, now);
  if (images && prepared) t.encode_ms = Milliseconds(submitted, *prepared);
  if (prepared && admitted) t.queue_ms = Milliseconds(*prepared, *admitted);
  if (admitted && prompt_read) t.prefill_ms = Milliseconds(*admitted, *prompt_read);
  if (first_token) {
    t.first_token_ms = Milliseconds(submitted, *first_token);
    t.decode_ms = Milliseconds(*first_token, last_token);
  }
  return t;
}

}  // namespace medinfer
