// Events on their way from the engine thread to the sink. What sequences tell is joined while it waits, and goes out a
// few times in a hundredth of a second; the telling of a sequence that nobody follows waits until its end.
// Belongs to the engine thread.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "engine/sequence.h"
#include "medinfer/events.h"

namespace medinfer {

class Outbox {
 public:
  // `sink` outlives the outbox.
  explicit Outbox(EventSink& sink) : sink_(sink) {}

  void Tell(Sequence& sequence, const Encoded& encoded);
  void Tell(Sequence& sequence, const Prefill& prefill);
  void Tell(Sequence& sequence, TokenLogprobs logprobs);
  // `control`: see Text.
  void TellText(Sequence& sequence, std::string_view text, bool control = false);
  // The sequence's last event, after all that it has told.
  void End(Sequence& sequence, Event event);

  // The only event of something that is no sequence.
  void End(Event event);

  // From now on somebody reads as the sequence goes.
  void Follow(Sequence& sequence);

  // Ends and first words go out at once, the rest when it is due. `idle`: nothing else will come soon, so all of it
  // goes.
  void Deliver(bool idle);

 private:
  void Wait(Sequence& sequence);
  void Compose(Sequence& sequence);

  EventSink& sink_;
  std::vector<Sequence*> waiting_;  // followed, with something untold; each once
  std::vector<Event> events_;       // composed
  std::chrono::steady_clock::time_point delivered_;
  bool urgent_ = false;  // somebody waits for what is here
};

}  // namespace medinfer
