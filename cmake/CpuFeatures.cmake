# ggml's backends are plugins (GGML_BACKEND_DL), and then it refuses GGML_NATIVE: the plugin checks
# at load time that the CPU has what it was compiled for, so the features must be named. This names
# the ones that the compiler itself finds with -march=native.
#
# Sets GGML_<feature> in the caller's scope. On anything but x86 it asks for every variant instead,
# and ggml picks one at run time.
function(medinfer_native_cpu_features)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64|i686)$" OR MSVC)
    set(GGML_CPU_ALL_VARIANTS ON PARENT_SCOPE)
    return()
  endif()

  execute_process(
    COMMAND ${CMAKE_C_COMPILER} -march=native -dM -E -x c /dev/null
    OUTPUT_VARIABLE macros ERROR_VARIABLE problem RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${CMAKE_C_COMPILER} -march=native failed: ${problem}")
  endif()

  # ggml's option = the macros that must all be there
  set(SSE42 __SSE4_2__)
  set(AVX __AVX__)
  set(F16C __F16C__)
  set(FMA __FMA__)
  set(AVX2 __AVX2__)
  set(BMI2 __BMI2__)
  set(AVX_VNNI __AVXVNNI__)
  set(AVX512 __AVX512F__ __AVX512CD__ __AVX512VL__ __AVX512DQ__ __AVX512BW__)
  set(AVX512_VBMI __AVX512VBMI__)
  set(AVX512_VNNI __AVX512VNNI__)
  set(AVX512_BF16 __AVX512BF16__)
  set(AMX_TILE __AMX_TILE__)
  set(AMX_INT8 __AMX_INT8__)
  set(AMX_BF16 __AMX_BF16__)

  set(found)
  foreach(feature SSE42 AVX F16C FMA AVX2 BMI2 AVX_VNNI AVX512 AVX512_VBMI AVX512_VNNI
                  AVX512_BF16 AMX_TILE AMX_INT8 AMX_BF16)
    set(has ON)
    foreach(macro IN LISTS ${feature})
      if(NOT macros MATCHES "#define ${macro} 1")
        set(has OFF)
      endif()
    endforeach()
    set(GGML_${feature} ${has} PARENT_SCOPE)
    if(has)
      list(APPEND found ${feature})
    endif()
  endforeach()
  list(JOIN found " " found)
  message(STATUS "medinfer: CPU features of this machine: ${found}")
endfunction()
