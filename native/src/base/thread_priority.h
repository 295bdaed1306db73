// How much of a busy core a thread gets beside others.
#pragma once

namespace medinfer {

// From now on the current thread gets about a tenth of what an ordinary one does, where all cores are busy; where one
// is idle, nothing changes. Linux; elsewhere nothing happens.
void LowerThreadPriority();

}  // namespace medinfer
