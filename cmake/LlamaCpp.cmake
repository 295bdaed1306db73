# llama.cpp, ggml and libmtmd as targets of this build.
#
#   ggml-base, ggml    shared, under names of our own: two packages in one process that both hold a
#                      libggml-base.so would share the first one's code
#   ggml-cpu*, cuda    plugins with ggml's own names, because its loader matches their prefix
#   llama, mtmd        static, inside the addon: nothing of theirs is visible to other packages

if(NOT EXISTS "${MEDINFER_LLAMA_DIR}/include/llama.h")
  message(FATAL_ERROR
    "medinfer: no llama.cpp in ${MEDINFER_LLAMA_DIR}: run \"npm run fetch:llama\", "
    "or name a checkout with MEDINFER_LLAMA_CPP=/path")
endif()

# scripts/fetch-llama.mjs writes the digest of the patches that it applied.
file(GLOB medinfer_patches CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/native/patches/*.patch")
list(SORT medinfer_patches)
set(digests "")
foreach(patch IN LISTS medinfer_patches)
  file(SHA256 "${patch}" digest)
  string(APPEND digests "${digest}\n")
endforeach()
string(SHA256 medinfer_patches_digest "${digests}")
set(stamp "${MEDINFER_LLAMA_DIR}/.medinfer-patches")
set(applied "")
if(EXISTS "${stamp}")
  file(STRINGS "${stamp}" applied LIMIT_COUNT 1)
endif()
if(medinfer_patches AND NOT applied STREQUAL medinfer_patches_digest)
  message(FATAL_ERROR
    "medinfer: ${MEDINFER_LLAMA_DIR} does not carry the patches of native/patches: "
    "run \"npm run fetch:llama\"")
endif()

include(CpuFeatures)
set(GGML_NATIVE OFF)
set(GGML_BACKEND_DL ON)
set(GGML_OPENMP OFF)     # ggml's own thread pool suffers less from a busy neighbour
set(GGML_LLAMAFILE ON)
set(GGML_CUDA ${MEDINFER_CUDA})
set(GGML_RPC ${MEDINFER_BUILD_TESTS})  # stands for a GPU in tests: memory of its own, reached through the same interface
set(GGML_CUDA_GRAPHS ON)
set(GGML_CUDA_NCCL OFF)  # a link dependency that most hosts lack
set(GGML_BUILD_TESTS OFF)
set(GGML_BUILD_EXAMPLES OFF)
set(GGML_METAL OFF)
set(GGML_BLAS OFF)
if(MEDINFER_CPU STREQUAL "portable")
  set(GGML_CPU_ALL_VARIANTS ON)
elseif(MEDINFER_CPU STREQUAL "native")
  medinfer_native_cpu_features()
else()
  message(FATAL_ERROR "medinfer: MEDINFER_CPU is native or portable, not \"${MEDINFER_CPU}\"")
endif()

# Without these, upstream asks git at configure time, and gets an answer about whatever repository
# the package lies in; a new commit there would compile ggml again.
set(GIT_EXE FALSE)
set(LLAMA_BUILD_NUMBER 0)
set(LLAMA_BUILD_COMMIT medinfer)
set(GGML_BUILD_NUMBER 0)
set(GGML_BUILD_COMMIT medinfer)
set(LLAMA_BUILD_IS_DEV OFF)
foreach(part COMMON TESTS TOOLS EXAMPLES SERVER APP)
  set(LLAMA_BUILD_${part} OFF)
endforeach()
set(LLAMA_ALL_WARNINGS OFF)
set(GGML_ALL_WARNINGS OFF)
set(MTMD_VIDEO OFF)

# Upstream's option() must not overrule the plain variables above.
set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)
set(CMAKE_POLICY_DEFAULT_CMP0126 NEW)

# ggml's assertions carry __FILE__: the libraries must not carry this machine's paths.
if(NOT MSVC)
  add_compile_options("-fmacro-prefix-map=${MEDINFER_LLAMA_DIR}=llama.cpp")
  add_compile_options("-fmacro-prefix-map=${PROJECT_SOURCE_DIR}=medinfer")
  # Assertions are thrown through C (patches 0065 and 0066).
  add_compile_options("$<$<COMPILE_LANGUAGE:C>:-fexceptions>")
endif()

set(BUILD_SHARED_LIBS ON)
add_subdirectory("${MEDINFER_LLAMA_DIR}/ggml" "${CMAKE_BINARY_DIR}/ggml" EXCLUDE_FROM_ALL)
set(BUILD_SHARED_LIBS OFF)
add_subdirectory("${MEDINFER_LLAMA_DIR}" "${CMAKE_BINARY_DIR}/llama.cpp" EXCLUDE_FROM_ALL)
add_subdirectory("${MEDINFER_LLAMA_DIR}/tools/mtmd" "${CMAKE_BINARY_DIR}/mtmd" EXCLUDE_FROM_ALL)

set_target_properties(ggml PROPERTIES OUTPUT_NAME medinfer-ggml)
set_target_properties(ggml-base PROPERTIES OUTPUT_NAME medinfer-ggml-base)

if(TARGET ggml-rpc)
  # Not beside the addon, where packages are made from.
  set_target_properties(ggml-rpc PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY "$<1:${CMAKE_BINARY_DIR}/bin>"
    INSTALL_RPATH "${MEDINFER_OUTPUT_DIR}")
endif()
if(TARGET ggml-cuda)
  # CUDA's own libraries are the host's. Besides the system's loader, look where NVIDIA's installers put them.
  set_target_properties(ggml-cuda PROPERTIES INSTALL_RPATH "$ORIGIN;/usr/local/cuda/lib64")
endif()

if(MEDINFER_CPU STREQUAL "native" AND TARGET ggml-cpu AND NOT MSVC)
  # The features are named one by one, and the scheduling model is this machine's all the same.
  target_compile_options(ggml-cpu PRIVATE -mtune=native)
endif()

# Of llama.cpp's common library only what knows chat formats: the rest of it downloads, logs and reads command lines.
include("${MEDINFER_LLAMA_DIR}/common/parsers/sources.cmake")
set(chat_sources ${LLAMA_CHAT_PARSERS_SOURCES} "${PROJECT_SOURCE_DIR}/native/llama-chat/missing_parts.cc")
foreach(source chat chat-auto-parser-generator chat-auto-parser-helpers chat-diff-analyzer chat-peg-parser json
        json-schema json-schema-to-grammar peg-parser trie unicode
        jinja/caps jinja/lexer jinja/parser jinja/runtime jinja/string jinja/value)
  list(APPEND chat_sources "${MEDINFER_LLAMA_DIR}/common/${source}.cpp")
endforeach()
add_library(llama-chat STATIC EXCLUDE_FROM_ALL ${chat_sources})
target_include_directories(llama-chat PUBLIC "${MEDINFER_LLAMA_DIR}/common")
target_link_libraries(llama-chat PUBLIC llama vendor-hash)
set_target_properties(llama-chat PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)

# Their headers are not ours to warn about.
foreach(target llama-chat ggml-base ggml llama mtmd vendor-hash)
  get_target_property(directories ${target} INTERFACE_INCLUDE_DIRECTORIES)
  if(directories)
    set_target_properties(${target} PROPERTIES
      INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${directories}")
  endif()
endforeach()
