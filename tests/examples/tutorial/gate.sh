pytest --chaos --checklist
