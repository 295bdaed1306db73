// Puts what is ours into llama.cpp's tokenisers.
#pragma once

namespace medinfer {

// From now on llama.cpp's vocabularies split text with RegexSplitter in this process, and pass YieldPoint while they
// tokenise. Each expression is compiled once; a vocabulary with one that cannot be taken does not load. Any thread, any
// number of times.
void InstallTokenizerHooks();

}  // namespace medinfer
