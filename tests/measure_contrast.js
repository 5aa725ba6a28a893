// Texts whose contrast to what is behind them is below 4.5 : 1 (WCAG 2, success criterion 1.4.3), with the ratio.
() => {
  const numbers = colour => { const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = ([r, g, b, a], below) => [r, g, b].map((value, i) => a * value + (1 - a) * below[i]);
  const part = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const lightness = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const faults = [];
  const walk = (element, behind, opacity) => {
    const style = getComputedStyle(element);
    if (style.display === "none" || style.visibility === "hidden") return;
    opacity *= style.opacity;
    const [r, g, b, a] = numbers(style.backgroundColor);
    behind = over([r, g, b, a * opacity], behind);
    if ([...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())) {
      const [red, green, blue, alpha] = numbers(style.color);
      const [dark, light] = [over([red, green, blue, alpha * opacity], behind), behind].map(lightness).sort((x, y) => x - y);
      const ratio = (light + 0.05) / (dark + 0.05);
      if (ratio < 4.5) faults.push(`${element.textContent.slice(0, 30)}: ${ratio.toFixed(2)}`);
    }
    for (const child of element.children) walk(child, behind, opacity);
  };
  walk(document.body, [255, 255, 255], 1);
  return faults;
}
