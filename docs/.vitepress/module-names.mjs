import { Comment, Converter, ReflectionKind } from "typedoc";
import { entryPoints } from "../typedoc.config.mjs";

/** A plugin of TypeDoc: calls each module by the name that it is imported by, and says what its package is. */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
      const found = entryPoints.find(({ source }) => source === module.sources?.[0]?.fullFileName);
      if (found === undefined) continue;
      module.name = found.name;
      module.comment = new Comment([{ kind: "text", text: `${found.description}.` }]);
    }
  });
}
