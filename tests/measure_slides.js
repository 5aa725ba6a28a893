// What is wrong with the slides on the screen, as sentences. Sizes are those that are drawn.
() => {
  const faults = [];
  const lettersIn = element => [...element.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
  for (const slide of slides) {
    const say = text => faults.push(`slide ${slide.getAttribute("aria-label")}: ${text}`);
    const parts = [...slide.querySelectorAll(".box *, h1, h2, h3")].filter(part => part.checkVisibility());
    const letters = parts.filter(lettersIn);
    const small = letters.filter(part => parseFloat(getComputedStyle(part).fontSize) < 13.99 && !part.closest("math"));
    if (small.length) say(`letters of ${getComputedStyle(small[0]).fontSize}: ${small[0].textContent.slice(0, 30)}`);
    const over = slide.getBoundingClientRect().height - innerHeight;
    if (over > 1) say(`${Math.round(over)} px too high`);
    const wide = parts.find(part => part.scrollWidth > part.clientWidth + 1 && part.clientWidth && getComputedStyle(part).overflowX !== "visible");
    if (wide) say(`wider than its place by ${wide.scrollWidth - wide.clientWidth} px: ${wide.textContent.trim().slice(0, 30)}`);
    if (parts.some(part => part.getBoundingClientRect().right > innerWidth)) say("reaches over the right border");
    const heading = slide.firstElementChild;
    if (!heading || !/^H[123]$/.test(heading.tagName) || !heading.textContent.trim()) say("no heading");
    const figures = parts.filter(part => part.tagName === "IMG");
    for (const figure of figures.length === 1 ? figures : []) {
      const box = figure.getBoundingClientRect(), ratio = figure.naturalWidth / figure.naturalHeight;
      const height = Math.min(box.height, box.width / ratio), width = height * ratio;
      if (height < 0.49 * screenful() && width < 0.89 * innerWidth) say(`a figure of ${Math.round(height)} px`);
    }
    if (figures.length > 1) say(`${figures.length} figures`);
  }
  return faults;
}
