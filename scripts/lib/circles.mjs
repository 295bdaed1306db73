/**
 * The circles of a graph: its strongly connected components of more than one node, and nodes that name themselves
 * (Tarjan, 1972). `edges`: Map of node -> iterable of nodes.
 */
export function findCircles(edges) {
  const numbers = new Map();
  const lowest = new Map();
  const stack = [];
  const onStack = new Set();
  const circles = [];
  const visit = (node) => {
    numbers.set(node, numbers.size);
    lowest.set(node, numbers.get(node));
    stack.push(node);
    onStack.add(node);
    for (const next of edges.get(node) ?? []) {
      if (!numbers.has(next)) {
        visit(next);
        lowest.set(node, Math.min(lowest.get(node), lowest.get(next)));
      } else if (onStack.has(next)) {
        lowest.set(node, Math.min(lowest.get(node), numbers.get(next)));
      }
    }
    if (lowest.get(node) !== numbers.get(node)) return;
    const component = stack.splice(stack.indexOf(node));
    for (const member of component) onStack.delete(member);
    if (component.length > 1 || [...(edges.get(node) ?? [])].includes(node)) circles.push(component);
  };
  for (const node of edges.keys()) if (!numbers.has(node)) visit(node);
  return circles;
}
