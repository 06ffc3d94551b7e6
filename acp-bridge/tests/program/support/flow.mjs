// A flow of acpx: two turns of one agent with a computation between them.
import { acp, compute, defineFlow } from "acpx/flows";

export default defineFlow({
  name: "two-turns",
  startAt: "draft",
  nodes: {
    draft: acp({ prompt: ({ input }) => `echo ${input.word}` }),
    louder: compute({ run: ({ outputs }) => String(outputs.draft).trim().toUpperCase() }),
    publish: acp({ prompt: ({ outputs }) => `echo ${outputs.louder}` }),
  },
  edges: [
    { from: "draft", to: "louder" },
    { from: "louder", to: "publish" },
  ],
});
