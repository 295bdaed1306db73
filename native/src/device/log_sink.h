// llama.cpp, ggml and libmtmd log through process-wide callbacks.
#pragma once

namespace medinfer {

// Routes the logs of all three to base/log_capture.h: error lines to the LogCapture of their thread, the rest nowhere.
// Any thread; cheap to repeat.
void InstallLogSink();

}  // namespace medinfer
