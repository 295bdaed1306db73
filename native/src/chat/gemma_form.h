// How Gemma 4 writes the arguments of a call: {dose:2.5,drug:<|"|>aspirin<|"|>}.
#pragma once

#include "schema/value_form.h"

namespace medinfer {

// Names stand bare, in the order of Jinja's dictsort; texts between marks, with no escapes. So a name has no colon, no
// closing brace and no white space at its beginning, and a text has not the mark.
const ValueForm& GemmaForm();

}  // namespace medinfer
