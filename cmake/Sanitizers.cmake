# Sanitizers go into every target, llama.cpp and ggml too: a race or an overrun that starts in our
# code often shows only inside theirs.
if(MEDINFER_SANITIZE)
  add_compile_options(-fsanitize=${MEDINFER_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${MEDINFER_SANITIZE})
endif()
