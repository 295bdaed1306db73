// How soon the JavaScript thread runs when it has something to do.
#pragma once

namespace medinfer {

// Asks for the shortest time slice for the calling thread, that of JavaScript. A thread with a shorter slice than the
// running one takes its core when it wakes; one with an equal slice may wait for the next timer tick, 4 ms where the
// kernel has 250 a second, and with an engine thread on every core it did so about once in 300 times.
//
// Linux 6.12 and later [sched(7), EEVDF]; no effect elsewhere. Threads and processes that it starts have the usual
// slice.
void PreferQuickWakeUp();

}  // namespace medinfer
