// Runs before the first paint, so that a dark page never flashes light. Classic script: modules would run too late.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const remembered = () => {
    try {
      return localStorage.getItem("isp-theme");
    } catch {
      return null; // storage can be switched off; the system's choice still holds
    }
  };
  const apply = () => {
    document.documentElement.dataset.theme = remembered() ?? (system.matches ? "dark" : "light");
  };
  system.addEventListener("change", apply);
  apply();

  // A choice equal to the system's is forgotten: from then on the page follows the system again.
  window.flipTheme = () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      if (next === (system.matches ? "dark" : "light")) localStorage.removeItem("isp-theme");
      else localStorage.setItem("isp-theme", next);
    } catch {
      // Not remembered then; the page still turns.
    }
    document.documentElement.dataset.theme = next;
    return next;
  };
})();
