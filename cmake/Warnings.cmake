# Warnings as errors for our own code only; llama.cpp's headers are SYSTEM includes.
add_library(medinfer_warnings INTERFACE)
if(NOT MSVC)
  target_compile_options(medinfer_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual
    -Wnull-dereference -Wimplicit-fallthrough
    # -Wconversion without the sign half: sizes and llama.cpp's int32_t meet on every line.
    -Wno-sign-conversion
    # GCC 12 sees uninitialized members in every moved std::variant (GCC bug 105562 and its kin).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>
    # …and overlapping copies in every sum of a literal and a string (GCC bug 105651).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
    -Werror)
endif()
