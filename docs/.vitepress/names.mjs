import { Comment, Converter, ReflectionKind } from "typedoc";
import { entryPoints } from "../typedoc.config.mjs";

/** A plugin of TypeDoc: names modules as they are imported, says what their packages are, and names what has no name. */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const found = entryPoints.find(({ source }) => source === module.sources?.[0]?.fullFileName);
      if (found === undefined) continue;
      module.name = found.name;
      module.comment = new Comment([{ kind: "text", text: `${found.description}.` }]);
    }
    for (const parameter of project.getReflectionsByKind(ReflectionKind.Parameter))
      if (parameter.name === "__namedParameters") parameter.name = nameOf(parameter.type);
  });
}

/** A parameter that is taken apart where it is declared, by the last word of its type: `start` for an `InflateStart`. */
function nameOf(type) {
  if (type.type === "typeOperator") return nameOf(type.target);
  if (type.type === "tuple") return "values";
  if (type.type !== "reference") return "options";
  if (type.name === "Pick") return nameOf(type.typeArguments[0]);
  return /[A-Z][a-z]+(?=\d|$)/.exec(type.name)?.[0].toLowerCase() ?? "options";
}
