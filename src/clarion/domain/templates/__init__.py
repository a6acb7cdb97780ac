"""Templates (semantics §4): Liquid with limits, defaults and any data key, escaped for where the output goes."""

from clarion.domain.templates import escapes
from clarion.domain.templates.body import JsonTemplate, compile_json_template
from clarion.domain.templates.errors import TemplateError, TemplateFailure, TemplateLimit, TemplateProblem
from clarion.domain.templates.template import Rendered, Template, compile_template

__all__ = [
    "JsonTemplate",
    "Rendered",
    "Template",
    "TemplateError",
    "TemplateFailure",
    "TemplateLimit",
    "TemplateProblem",
    "compile_json_template",
    "compile_template",
    "escapes",
]
