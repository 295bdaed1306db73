// Stops engines when the process exits without tearing its environments down.
//
// process.exit() on the main thread runs no environment cleanup hook: it emits "exit" and calls
// exit(3), which destroys the statics of every library while engine threads still use them. AddonData
// listens to "exit"; this is the net below it, for exit(3) without that event. It is the one piece of
// process-wide state in bindings/, because exit(3) is process-wide.
#pragma once

namespace medinfer {

class EngineSession;

class ExitGuard {
 public:
  // JS thread. From here to Remove an exit(3) stops the session's threads first.
  static void Add(EngineSession* session);
  static void Remove(EngineSession* session);

  // Any thread. exit(3) goes backwards through time: what a load created is destroyed before an
  // older handler runs. So this is called again after every load.
  static void Rearm();
};

}  // namespace medinfer
