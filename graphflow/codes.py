"""The catalogue of diagnostic codes: what ``graphflow explain CODE`` prints.

``CODES`` maps a code to (title, explanation). Ranges: GF00x files and YAML, GF01x sections and
keys, GF02x names and calls, GF03x shapes and dtypes, GF04x training, GF05x derivatives, GF06x
running, GF07x data and weights, GF08x values an operator cannot use, GF09x failed checks.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    title: str
    explanation: str


CODES: dict[str, Code] = {
    # files and YAML
    "GF001": Code(
        "the file cannot be read",
        "The path does not exist, is a folder, is not UTF-8 text, or is larger than the limit.",
    ),
    "GF002": Code(
        "the file is not valid YAML",
        "A graph file is YAML 1.2. Typical causes: a missing space after ':', uneven "
        "indentation, a bracket left open, or a value that begins with a character YAML "
        "reserves.",
    ),
    "GF003": Code(
        "YAML feature not allowed",
        "Anchors, aliases, tags and merge keys are refused: a graph file reads from top to "
        "bottom and says everything once. Use 'let:' for a value used twice and 'blocks:' for"
        " structure.",
    ),
    "GF004": Code(
        "a limit was exceeded",
        "Files are at most 1 MB and 50 levels deep; expressions at most 2,000 characters, "
        "nesting 50, integers below 2^53, constant exponents up to 64; repeat up to 1,000 "
        "turns; 100,000 nodes a graph; a history takes at most 1 GB. What is walked through has "
        "limits of its own, which the message says.",
    ),
    "GF005": Code(
        "not the text form of a graph",
        "The text is not what a graph's printer writes: one node a line, 'name: type = op(...)'.",
    ),
    "GF006": Code(
        "wrong command line",
        "A command, option or value is not one that graphflow knows. 'graphflow --help' lists"
        " the commands, 'graphflow COMMAND --help' what one takes.",
    ),
    "GF007": Code(
        "a file cannot be written",
        "It exists already, its folder is not writable, or the disk is full.",
    ),
    # sections and keys
    "GF010": Code("unknown key", "The section does not have this key. Keys are never ignored."),
    "GF011": Code(
        "duplicate key",
        "A key appears twice in one mapping. Every name is assigned once.",
    ),
    "GF012": Code("missing key", "The section needs a key that is not there."),
    "GF013": Code("wrong kind of value", "The value under this key has the wrong kind."),
    # names and calls
    "GF020": Code(
        "unknown name",
        "An expression names something that no earlier line declares. Nodes are read from top"
        " to bottom: a name must be declared above its first use. In the shape of an input a name"
        " that begins with a capital is a size that stays open: {shape: [B, 8]}.",
    ),
    "GF021": Code("unknown function", "No operator, layer, block or instance has this name."),
    "GF022": Code(
        "wrong arguments",
        "A call lacks an argument, has one too many, or names one that does not exist.",
    ),
    "GF023": Code(
        "not part of the expression language",
        "Expressions are mathematics: names, numbers, strings, arithmetic, comparisons, "
        "calls, slices, lists, name.part, and 'a if c else b'. There are no attributes of "
        "Python objects, lambdas, comprehensions or f-strings, and nothing in a file can run "
        "code.",
    ),
    "GF024": Code("name declared twice", "Every name is assigned once in its scope."),
    "GF025": Code("expression syntax", "The expression cannot be read."),
    "GF026": Code(
        "value not known while the graph is built",
        "Conditions of 'if', repeat counts, axes and shapes must be known before anything runs.",
    ),
    # shapes and number types
    "GF030": Code(
        "shapes do not fit",
        "The operands' shapes are incompatible under NumPy's broadcasting rules or the "
        "operator's own rule. The message shows both shapes and the notes show where each "
        "came from.",
    ),
    "GF031": Code("wrong dtype", "The operator does not accept this kind of number."),
    "GF032": Code(
        "shape annotation does not hold",
        "The checked 'shape:' differs from the value.",
    ),
    "GF033": Code("invalid argument value", "An argument has a value the operator cannot use."),
    "GF034": Code(
        "a carried value changes its type",
        "What a loop carries from turn to turn must keep its shape and number type.",
    ),
    # training
    "GF040": Code("the loss is not one number", "minimize needs a real scalar: reduce it."),
    "GF041": Code("no such parameter", "A name or pattern under params: matches no parameter."),
    "GF042": Code(
        "not an optimizer",
        "An optimizer is a call of a block whose first inputs are (parameter, gradient).",
    ),
    "GF043": Code(
        "the loss depends on no parameter",
        "None of the parameters to be trained is on the way to what minimize names.",
    ),
    "GF044": Code(
        "the training cannot be shared out",
        "Workers each take some rows of every batch: inputs need a symbol as their first size, "
        "such as x: [B, 784]. Or too few workers could be started, they died again and again, or a "
        "parameter server died; or servers, or stages of a pipeline, cannot have what an update "
        "needs all at once.",
    ),
    # derivatives
    "GF050": Code("derivative of a non-scalar", "gradient and hessian need a scalar."),
    "GF051": Code("no derivative by this kind of number", "Only real numbers have derivatives."),
    "GF052": Code(
        "operator without a derivative",
        "The path from the value to be differentiated passes through an operator that has no "
        "derivative rule. Constants on the way belong inside stop_gradient(...).",
    ),
    "GF053": Code(
        "gradient is zero everywhere",
        "The value does not depend on what it is differentiated by. zero=true allows that.",
    ),
    # running
    "GF060": Code(
        "not enough memory",
        "A run needs more memory than is free, or than 'memory' in train: or --memory allows, "
        "even where backward computes forward values again instead of keeping them. It is refused "
        "before any is taken. The notes name the largest values; a smaller batch or smaller "
        "sizes help most.",
    ),
    "GF061": Code(
        "a fed shape does not fit",
        "The shapes of what is fed determine the symbols (B, T, ...). Each symbol has one size.",
    ),
    "GF062": Code(
        "a value is not finite",
        "A NaN or an infinity appeared. The guarded plan (--guard) names the first node that "
        "has one, its line, and the ranges of its operands; the step is not applied.",
    ),
    "GF063": Code("a loop did not end", "A while loop reached its largest number of turns."),
    "GF064": Code(
        "a run's folder cannot be used",
        "The folder cannot be made, holds another run, or has no checkpoint that can be read.",
    ),
    "GF065": Code(
        "the feed is not what the program needs",
        "A program needs a value for every input that its outputs depend on. A feed may set "
        "other nodes as well, if they exist and the step does not update them itself.",
    ),
    "GF066": Code(
        "a value is not known before the first feed",
        "A parameter that starts as an input (init: content) has no value until that input is fed.",
    ),
    "GF067": Code(
        "nothing to run",
        "graphflow run trains the file's train: section or makes the steps of its run: section. A "
        "file without either can be checked, shown and stepped through.",
    ),
    "GF068": Code("a parameter cannot be removed", "The graph decides which parameters exist."),
    "GF069": Code(
        "no such backend",
        "Programs run on numpy, or by cupy on an NVIDIA GPU, which its driver must see.",
    ),
    # data and weights
    "GF070": Code("unknown data source", "No built-in or registered data source has this name."),
    "GF071": Code(
        "wrong data option",
        "The data source does not have this option, needs one that is missing, or cannot use "
        "its value. 'graphflow list data' shows the sources and their options.",
    ),
    "GF072": Code(
        "data file not found",
        "The file does not exist, cannot be read, or could not be downloaded. Known files are"
        " looked for in the folder that the environment variable GRAPHFLOW_DATA names, then "
        "in the cache folder, and downloaded last.",
    ),
    "GF073": Code(
        "data file damaged",
        "The file is not in the format its source expects, is cut short, or a download does "
        "not have the published checksum.",
    ),
    "GF074": Code(
        "data path leaves the folder",
        "A graph file may only name data files in its own folder or below it, links included,"
        " so that a graph file from elsewhere cannot read other files.",
    ),
    "GF075": Code(
        "data cannot be split or batched",
        "Fractions of parts add up to 1 and leave no part empty, columns have one common "
        "length, and a part holds enough samples for a batch.",
    ),
    "GF076": Code(
        "data source or plugin unavailable",
        "A package it needs is not installed, what a package offers cannot be imported, or two "
        "sources or plugins have the same name.",
    ),
    "GF077": Code(
        "weights cannot be loaded",
        "The weights file of a layer is missing, damaged, or lacks a parameter. Without the "
        "file, set the layer's weights to none: it then starts from its initial values.",
    ),
    "GF078": Code("no data", "Training needs a data: section that feeds the inputs."),
    # values that an operator or a stepper cannot use
    "GF080": Code(
        "position out of range",
        "An array of positions (labels, tokens, indices) names an element that is not there. "
        "Positions count from 0; a label must be smaller than the number of classes, and none is "
        "negative: cross_entropy leaves out the one that ignore_index names.",
    ),
    "GF081": Code(
        "matrix without an answer",
        "The matrix is singular, or not positive definite where it must be.",
    ),
    "GF082": Code("no such step", "A stepper cannot go before the first node or past the last."),
    "GF083": Code(
        "a number that the operator cannot use",
        "One of the numbers an operator was given when it ran has no answer in its number type, or "
        "breaks a bound that the file states. The message shows the number.",
    ),
    # failed checks
    "GF090": Code(
        "a check cannot be run",
        "An entry of check: feeds nodes, sets parameters, and names values and gradients.",
    ),
    # models of other systems
    "GF100": Code(
        "the ONNX model is damaged",
        "The file is no ONNX model, or a part of it breaks ONNX's own rules: a value that nothing "
        "gives, an attribute that is missing, data outside the model's folder.",
    ),
    "GF101": Code(
        "not supported in an ONNX model",
        "The model uses an operator, a setting or a number type that graphflow does not have. The "
        "message shows the line of the graph.",
    ),
    "GF102": Code(
        "a value must be known while the model is imported",
        "Shapes, axes and the like are fixed when a graph is built. Where a model computes them "
        "from its inputs, give those values: from_onnx(..., values={...}, sizes={...}).",
    ),
    "GF103": Code(
        "cannot be written in this format",
        "The graph uses an operator that the other format cannot express. The message shows the "
        "line, the help the reason.",
    ),
    # generating texts
    "GF120": Code(
        "the model looks ahead",
        "A text grows at its end, so what is said of a token must not depend on the tokens behind "
        "it. Attention needs a causal mask (is_causal=true), a recurrent net one direction. The "
        "check feeds different tokens behind the prompt and compares.",
    ),
    "GF121": Code(
        "text without a tokenizer",
        "A text was given for an input, but no source of data says which numbers its words or "
        "characters are. The input must be fed by a column of text, or be given numbers.",
    ),
    # the studio
    "GF130": Code(
        "a limit of the studio was reached",
        "A question to the studio may take so much time and memory as whoever started it allows "
        "(--seconds, --memory), and is answered by a process of its own. Where a limit is passed "
        "or the process dies, the question is given up; the next one starts another process and "
        "opens the same model again, so that nothing is lost.",
    ),
    "GF131": Code(
        "outside what the studio may touch",
        "A file in the studio reads below the folders that whoever started it allows (--folder), "
        "links followed, and writes into its folder of runs (--runs). It starts no programs, and "
        "uses the network only with --network.",
    ),
    "GF132": Code(
        "the address does not hold a view of the studio",
        "A permalink is cut short, was changed, or is larger than a view is. Copy all of it, or "
        "open the graph from the gallery.",
    ),
    # benchmarks
    "GF140": Code(
        "what to compare with is not installed",
        "'graphflow bench --against' runs the same training steps in PyTorch or JAX, which do not "
        "come with graphflow: 'pip install torch', 'pip install jax'. '--against none' measures "
        "graphflow alone.",
    ),
    "GF141": Code(
        "a measurement failed",
        "Every measurement of 'graphflow bench' is a process of its own. One ended before it had "
        "a result, or took longer than ten minutes; the message shows the last that it said.",
    ),
}
