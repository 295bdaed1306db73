"""Renders templates as transformers' apply_chat_template does: cases come as lines of JSON, results go as lines of JSON.

A case is {"source": ..., "variables": {...}}, a result {"text": ...} or {"error": kind}.
"""

import datetime
import json
import sys

from transformers.utils.chat_template_utils import _compile_jinja_template

NOW = datetime.datetime(2026, 3, 5, 14, 7, 9)

sys.set_int_max_str_digits(4300)


def main() -> None:
    compiled = {}
    for line in sys.stdin:
        case = json.loads(line)
        source = case["source"]
        try:
            template = compiled.get(source)
            if template is None:
                template = _compile_jinja_template(source)
                template.environment.globals["strftime_now"] = NOW.strftime
                if len(compiled) > 200:
                    compiled.clear()
                    _compile_jinja_template.cache_clear()
                compiled[source] = template
            result = {"text": template.render(**case["variables"])}
        except Exception as error:  # noqa: BLE001 (whatever Python says, the template cannot be rendered)
            result = {"error": type(error).__name__}
        print(json.dumps(result))


main()
