// Events on their way from the engine thread to the sink. What requests emit is joined while it waits, and goes out a
// few times in a hundredth of a second; the events of a request that is not streamed wait until its end.
// Belongs to the engine thread.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "engine/unsent_events.h"
#include "medinfer/events.h"

namespace medinfer {

class Outbox {
 public:
  // `sink` outlives the outbox. So does every request's `unsent`, from its first event to its end.
  explicit Outbox(EventSink& sink) : sink_(sink) {}

  void Emit(UnsentEvents& unsent, const Encoded& encoded);
  void Emit(UnsentEvents& unsent, const Prefill& prefill);
  void Emit(UnsentEvents& unsent, PromptLogprob logprob);
  void Emit(UnsentEvents& unsent, TokenLogprobs logprobs);
  // `control`: see Text.
  void EmitText(UnsentEvents& unsent, std::string_view text, bool control = false);
  void EmitTexts(UnsentEvents& unsent, const std::vector<Text>& texts);
  // The request's last event, after all others.
  void End(UnsentEvents& unsent, Event event);

  // The only event of something that is no sequence.
  void End(Event event);

  // From now on events are read as the request goes.
  void Stream(UnsentEvents& unsent);

  // Ends and first words go out at once, the rest when it is due. `idle`: nothing else will come soon, so all of it
  // goes.
  void Deliver(bool idle);

 private:
  void Wait(UnsentEvents& unsent);
  void Compose(UnsentEvents& unsent);

  EventSink& sink_;
  std::vector<UnsentEvents*> waiting_;  // streamed, with something to send; each once
  std::vector<Event> events_;           // composed
  std::chrono::steady_clock::time_point delivered_;
  bool urgent_ = false;  // a reader waits for what is here
};

}  // namespace medinfer
